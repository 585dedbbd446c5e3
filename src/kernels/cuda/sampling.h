#pragma once
// From rows of logits to tokens on the device: the tokens that sampling/ draws on the CPU from the
// same logits, every one. What makes that possible: probability mass is counted in integers, which
// add up to the same sum in any order; exp2 is made of exactly rounded steps (sampling/exp2.h); and
// every filter keeps a beginning of one total order, so that no sort is needed, only "which element
// of the order is the k-th, or reaches this mass".
//
//   launch_prepare_rows   mask, bans, biases, penalties; argmax; NaN, infinity; greedy rows end here
//   launch_draw_rows      temperature, min_p, top_k, top_p and the draw of the others
//   launch_report_rows    logprobs of rows that want them
//   launch_accept_rows    which drafts hold; last drawn ids; the histories grow
//
// The first and the last are all that a batch of greedy rows needs.

#include <cstdint>
#include <span>

#include "kernels/cuda/device_context.h"
#include "kernels/step_batch.h"

namespace tinyllm::cuda {

struct TokenBias {
  TokenId id;
  float value;
};
static_assert(sizeof(TokenBias) == sizeof(std::pair<TokenId, float>));

// What the step uploaded. All on the device.
struct SampleBatchView {
  std::int32_t n_rows = 0;
  std::int32_t vocab_size = 0;      // at most 2^23
  const SampleRow* rows = nullptr;  // [n_rows]
  const TokenBias* biases = nullptr;
  const TokenId* banned_ids = nullptr;
  const std::uint32_t* masks = nullptr;  // [n_masks, mask_words(vocab_size)]
  const float* logits = nullptr;         // [n_rows, logits_stride] f32, aligned to 16 bytes
  std::int64_t logits_stride = 0;        // a multiple of 4
};

// What stays from step to step. On the device.
struct SamplerState {
  TokenId* last_drawn = nullptr;    // [n_slots]
  std::uint32_t* counts = nullptr;  // [n_slots, vocab_size]: kInPrompt | times in the output
};
inline constexpr std::uint32_t kInPrompt = 0x80000000u;

// What one row is about, found by launch_prepare_rows.
struct RowStats {
  float raw_max;        // of the raw logits
  float max;            // after mask, bans, biases and penalties; -inf: nothing is possible
  std::int32_t best;    // the lowest id that has it
  std::int32_t finite;  // 0: the raw logits hold a NaN or an infinity
};

inline constexpr int kSampleChunk = 4096;  // ids that one block looks at
inline constexpr int kMassBins = 2048;

constexpr std::int32_t n_sample_chunks(std::int32_t vocab_size) {
  return (vocab_size + kSampleChunk - 1) / kSampleChunk;
}

// Memory that the launches share. `arrivals`, `bin_counts` and `bin_masses` are 0 before the first
// step and after each.
struct SamplerScratch {
  float* processed = nullptr;            // [n_rows, logits_stride]
  std::uint64_t* chunk_best = nullptr;   // [n_rows, n_chunks, 2]: best key raw, processed
  std::int32_t* chunk_finite = nullptr;  // [n_rows, n_chunks]
  std::int32_t* arrivals = nullptr;      // [n_rows]
  RowStats* stats = nullptr;             // [n_rows]
  std::uint32_t* bin_counts = nullptr;   // [n_rows, kMassBins]
  std::uint64_t* bin_masses = nullptr;   // [n_rows, kMassBins]
};

// What the host needs to finish a row's logprobs (read_report).
struct RowReport {
  float max_logit;
  float logit;            // of the token that is reported
  std::uint64_t mass;     // of the whole row at temperature 1, in units of kFullMass
  std::int32_t token_id;  // -1: nothing to report
  std::int32_t rank;      // 1: the likeliest
  std::int32_t n_top;
  std::int32_t padding;
};

struct SampleResults {
  TokenId* token_ids = nullptr;  // [n_rows] drawn, -1 where none was, or kNotFinite (-2)
  RowReport* reports = nullptr;  // [n_rows]
  TokenId* top_ids = nullptr;    // [n_rows, max_top]
  float* top_logits = nullptr;   // [n_rows, max_top]
  std::int32_t max_top = 0;      // at most 4096
};

void launch_prepare_rows(const DeviceContext& context, const SampleBatchView& batch,
                         const SamplerState& state, const SamplerScratch& scratch,
                         const SampleResults& results);
void launch_draw_rows(const DeviceContext& context, const SampleBatchView& batch,
                      const SamplerScratch& scratch, const SampleResults& results);
void launch_report_rows(const DeviceContext& context, const SampleBatchView& batch,
                        const SamplerScratch& scratch, const SampleResults& results);
// A row that has a draft and drew something else ends its sequence's chain: later rows of that
// sequence leave no trace. Rows of one sequence stand together.
void launch_accept_rows(const DeviceContext& context, const SampleBatchView& batch,
                        const SamplerState& state, const SampleResults& results);

// The ids of one slot's history, ranges of a pool on the device.
struct HistoryRange {
  std::int32_t row_slot = 0;
  std::int32_t prompt_begin = 0, n_prompt = 0;
  std::int32_t output_begin = 0, n_output = 0;
};
// counts[slot] begins anew. ranges: [n_ranges] on the device.
void launch_reset_histories(const DeviceContext& context, std::int32_t vocab_size,
                            const HistoryRange* ranges, std::int32_t n_ranges, const TokenId* ids,
                            const SamplerState& state);

}  // namespace tinyllm::cuda
