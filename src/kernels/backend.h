#pragma once
// The device boundary: everything above is bookkeeping and recipes, everything below is arithmetic
// on one device. One implementation a device (kernels/cpu, kernels/cuda), made in kernels/make.
//
// A step:
//   begin_step                         everything that the step uploads
//   run( embed; for each layer: attention_input, attention, attention_output, mlp or experts; head )
//   collect                            the results of the oldest step that was not collected
// A device may work behind: lag() steps can be begun before the oldest is collected. The four calls
// of a layer are the grain at which a device fuses as it likes. The backend keeps the hidden states,
// K/V pages, row slots and all scratch; sizes are fixed by configure(), and no call of a step
// allocates. Engine thread only, load time included. Loading throws
// Error{out_of_memory | unsupported}; a step throws nothing.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "api/kv_spec.h"
#include "api/output.h"
#include "api/step_limits.h"
#include "api/step_profile.h"
#include "base/check.h"
#include "base/function_ref.h"
#include "kernels/layer_spec.h"
#include "kernels/step_batch.h"
#include "tensor/dtype.h"
#include "tensor/tensor.h"

namespace tinyllm {

// The largest step and the model's sizes: what scratch and pages are made for.
struct BackendSizes {
  std::vector<AttentionSpec> attention;  // of each layer
  std::int32_t hidden_size = 0;
  std::int32_t intermediate_size = 0;      // the largest of any layer or expert
  std::int32_t max_experts = 0;            // of any layer; 0: none has experts
  std::int32_t max_experts_per_token = 0;  // a shared one included
  std::int32_t vocab_size = 0;
  StepLimits limits;
  std::int32_t max_samples = 0;  // rows of logits
  std::int32_t max_logprobs = 0;
  std::int32_t max_masks = 0;          // of a step; 0: one for each sequence
  std::int32_t max_wanted_logits = 0;  // samples of a step that may ask for their raw logits
  std::int32_t max_wanted_hidden = 0;  // and for their hidden states
};

// What run() is given: calls that are the same in every step up to the batch's contents, which a
// device may record once and replay; or calls with somebody who looks on between them.
enum class Recipe : std::uint8_t { replayable, watched };

// In place of a drawn id, also of samples that do not draw: the logits hold a NaN or an infinity.
// Nothing was drawn and nothing is reported; the other samples are as good as ever. A step that was
// begun meanwhile goes on from id 0 in that row slot, and its result is dropped.
inline constexpr TokenId kNotFinite = -2;

// Results of a step. Views into the backend, valid until lag() + 1 more steps have begun.
struct StepOutput {
  std::span<const TokenId> token_ids;       // [n_samples] drawn, -1 where none was, or kNotFinite
  std::span<const TokenLogprobs> logprobs;  // [n_samples] filled where n_logprobs >= 0
  std::span<const float> logits;  // [samples that want them, vocab_size] raw, in their order
  std::span<const float> hidden;  // [samples that want them, hidden_size] after the final norm
};

class Backend {
 public:
  virtual ~Backend() = default;

  // Load time. Each part is in its own file format; the number of columns is common. A backend of
  // several devices cuts the matrix as `shard` says. The device keeps its own layout: the file's
  // bytes are not needed afterwards.
  virtual MatrixId pack_matrix(std::span<const Tensor> parts, PartOrder order, Shard shard) = 0;
  virtual VectorId pack_vector(std::span<const Tensor> parts) = 0;  // f32, concatenated
  // A router, whose products are made in f32: small differences decide which experts a token gets.
  virtual MatrixId pack_router(std::span<const Tensor> parts) {
    return pack_matrix(parts, PartOrder::stacked, Shard::none);
  }
  // After a layer's experts were packed, for what a device wants to know of them together.
  virtual void pack_experts(const MoeSpec& moe) { static_cast<void>(moe); }
  // cos and sin of every position, [max_model_len, head_dim / 2] f32 each.
  virtual void set_rope_table(std::span<const float> cos, std::span<const float> sin) = 0;
  // Allocates pages, row slots and scratch. Once, after packing.
  virtual void configure(const BackendSizes& sizes, const KvSpec& kv) = 0;
  virtual std::int64_t kv_block_bytes(const BackendSizes& sizes, const KvSpec& kv) const = 0;
  virtual std::int64_t packed_bytes() const = 0;             // weights on the device
  virtual std::int64_t packed_bytes(MatrixId id) const = 0;  // one of them
  virtual std::int64_t free_bytes() const = 0;               // memory that pages may take

  // Marks what a step's time goes into; nullptr: no more. A device that cannot tell ignores it.
  virtual void set_profile(StepProfile* profile) { static_cast<void>(profile); }

  // The only upload of a step. CHECKs that no more than lag() steps wait to be collected.
  virtual void begin_step(const StepBatch& batch) = 0;
  virtual void run(Recipe kind, function_ref<void()> recipe) = 0;

  // hidden[t] = row token_ids[t] of the table; hidden: [n_tokens, hidden_size] f32
  virtual void embed(MatrixId embed_tokens) = 0;
  // x = rms_norm(hidden); q, k, v = x W^T + b; q/k norm; RoPE; k, v into their pages
  virtual void attention_input(const LayerSpec& layer) = 0;
  // out[t] = softmax(q[t] K^T scale) V over the positions of t's row up to its own
  virtual void attention(const LayerSpec& layer) = 0;
  // hidden += out Wo^T + b
  virtual void attention_output(const LayerSpec& layer) = 0;
  // x = rms_norm(hidden); hidden += (silu(x Wg^T) * (x Wu^T)) Wd^T
  virtual void mlp(const LayerSpec& layer) = 0;
  // x = rms_norm(hidden); hidden += sum over the token's experts, in their order, of weight times
  // (silu(x Wg^T) * (x Wu^T)) Wd^T, and so the shared expert at last (MoeSpec)
  virtual void experts(const LayerSpec& layer) = 0;
  // Final norm and head on the sampled tokens, then each sample's processors and draw (sampling/).
  virtual void head(const HeadWeights& head) = 0;

  // Waits for the oldest step that was not collected.
  virtual const StepOutput& collect() = 0;
  // Steps that may be begun before their predecessor is collected: 0 where a step is over when
  // run() returns.
  virtual std::int32_t lag() const = 0;

  // What the bits of a block depend on besides weights and tokens: "cpu avx512". Empty where blocks
  // cannot be copied out and in.
  virtual std::string arithmetic() const { return ""; }
  // The keys and values of one block, of all layers and K/V heads, in the device's own layout:
  // kv_block_bytes() bytes. Between two steps; the block is nobody's but the caller's when it is
  // written, and full when it is read.
  virtual void read_block(std::int32_t block, std::span<std::byte> out) {
    CHECK(false, "block {} cannot be read into {} bytes", block, out.size());
  }
  virtual void write_block(std::int32_t block, std::span<const std::byte> in) {
    CHECK(false, "block {} cannot be written from {} bytes", block, in.size());
  }

  // The hidden states of the step, [n_tokens, hidden_size] f32: of a watched run.
  virtual void copy_hidden(std::span<float> out) const = 0;
};

}  // namespace tinyllm
