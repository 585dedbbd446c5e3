// The backend's attention: how many threads share a context, and what else is in the step, changes
// no bit of a hidden state.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/every_isa_test.h"
#include "kernels/cpu/pick_isa.h"

namespace tinyllm {
namespace {

constexpr std::int32_t kVocab = 50, kHidden = 64, kHeadDim = 32, kHeads = 6, kKvHeads = 2;
constexpr std::int32_t kBlockSize = 16, kMaxSeqLen = 640, kBlocksPerRow = kMaxSeqLen / kBlockSize;

// The attention halves of two layers of different shapes, with f32 weights. A sequence's K/V blocks
// are its own.
class TwoLayers {
 public:
  TwoLayers(std::string_view isa, int n_threads, KvType type, std::int32_t window,
            std::int32_t sinks)
      : pool_(n_threads), backend_(pool_, row_kernels(isa)) {
    embed_tokens_ = pack({kVocab}, kHidden, 11);
    const float scale = 1.0f / std::sqrt(static_cast<float>(kHeadDim));
    add_layer({.n_heads = kHeads,
               .n_kv_heads = kKvHeads,
               .head_dim = kHeadDim,
               .scale = scale,
               .window = window,
               .sinks = sinks});
    add_layer({.n_heads = 3, .n_kv_heads = 1, .head_dim = kHeadDim, .scale = scale});
    const std::vector<float> angles = random_floats(std::size_t{kMaxSeqLen} * kHeadDim / 2, 14);
    std::vector<float> cos(angles.size()), sin(angles.size());
    std::ranges::transform(angles, cos.begin(), [](float x) { return std::cos(x); });
    std::ranges::transform(angles, sin.begin(), [](float x) { return std::sin(x); });
    backend_.set_rope_table(cos, sin);
    backend_.configure({.attention = {layers_[0].attention, layers_[1].attention},
                        .hidden_size = kHidden,
                        .intermediate_size = kHidden,
                        .vocab_size = kVocab,
                        .limits = {.max_num_seqs = 2,
                                   .max_num_batched_tokens = kMaxSeqLen,
                                   .max_model_len = kMaxSeqLen},
                        .max_samples = 1,
                        .max_logprobs = 1,
                        .max_wanted_logits = 0,
                        .max_wanted_hidden = 0},
                       {.type = type, .block_size = kBlockSize, .n_blocks = 2 * kBlocksPerRow});
  }

  // Tokens of a row at positions [begin, end).
  struct Part {
    std::int32_t row, begin, end;
  };
  // One step; the hidden state of the last token of its last part. [kHidden]
  std::vector<float> step(const std::vector<Part>& parts) {
    std::vector<std::int32_t> token_ids, positions, slots, seq_starts = {0}, row_slots,
                                                           block_starts = {0}, blocks;
    for (const Part& part : parts) {
      const std::int32_t first_block = part.row * kBlocksPerRow;
      for (std::int32_t p = part.begin; p < part.end; ++p) {
        token_ids.push_back(p * 7 % kVocab);
        positions.push_back(p);
        slots.push_back(first_block * kBlockSize + p);
      }
      seq_starts.push_back(static_cast<std::int32_t>(positions.size()));
      row_slots.push_back(part.row);
      for (std::int32_t i = 0; i < kBlocksPerRow; ++i) blocks.push_back(first_block + i);
      block_starts.push_back(static_cast<std::int32_t>(blocks.size()));
    }
    const auto n_tokens = static_cast<std::int32_t>(positions.size());
    StepBatch batch;
    batch.n_tokens = n_tokens;
    batch.n_seqs = static_cast<std::int32_t>(parts.size());
    batch.token_ids = token_ids;
    batch.positions = positions;
    batch.slot_mapping = slots;
    batch.seq_starts = seq_starts;
    batch.row_slots = row_slots;
    batch.block_starts = block_starts;
    batch.blocks = blocks;
    backend_.begin_step(batch);
    backend_.embed(embed_tokens_);
    for (const LayerSpec& layer : layers_) {
      backend_.attention_input(layer);
      backend_.attention(layer);
      backend_.attention_output(layer);
    }
    std::vector<float> hidden(n_tokens * kHidden);
    backend_.copy_hidden(hidden);
    return {hidden.end() - kHidden, hidden.end()};
  }

 private:
  void add_layer(const AttentionSpec& spec) {
    LayerSpec layer;
    layer.layer_idx = static_cast<std::int32_t>(layers_.size());
    layer.attention = spec;
    layer.hidden_size = kHidden;
    layer.input_norm = pack_ones(kHidden);
    layer.qkv_proj = pack({spec.q_size(), spec.kv_size(), spec.kv_size()}, kHidden, 12);
    layer.o_proj = pack({kHidden}, spec.q_size(), 13);
    layers_.push_back(layer);
  }
  MatrixId pack(const std::vector<std::int64_t>& n_rows, std::int64_t n_cols, unsigned seed) {
    const std::int64_t n = std::accumulate(n_rows.begin(), n_rows.end(), std::int64_t{0});
    const std::vector<float> values = random_floats(n * n_cols, seed, 0.2f);
    std::vector<Tensor> parts;
    std::int64_t row = 0;
    for (const std::int64_t rows : n_rows) {
      const auto* data = reinterpret_cast<const std::byte*>(values.data() + row * n_cols);
      parts.push_back({data, DType::f32, {rows, n_cols}});
      row += rows;
    }
    return backend_.pack_matrix(parts, PartOrder::stacked, Shard::none);
  }
  VectorId pack_ones(std::int64_t n) {
    const std::vector<float> ones(n, 1.0f);
    const Tensor part{reinterpret_cast<const std::byte*>(ones.data()), DType::f32, {n}};
    return backend_.pack_vector({&part, 1});
  }

  ThreadPool pool_;
  CpuBackend backend_;
  std::vector<LayerSpec> layers_;
  MatrixId embed_tokens_ = MatrixId::none;
};

class CpuAttentionTest : public EveryIsa {};

TEST_P(CpuAttentionTest, ThreadsAndCompanyChangeNoBit) {
  constexpr std::int32_t kEnd = 560;
  struct Span {
    std::int32_t window, sinks;
  };
  // One type and window are enough for scalar: the pages are not in question.
  const bool slow = GetParam() == "scalar";
  const std::vector<int> thread_counts =
      slow ? std::vector<int>{1, 3} : std::vector<int>{1, 2, 3, 5};
  for (const KvType type : {KvType::bf16, KvType::f32, KvType::int8, KvType::fp8, KvType::q4}) {
    if (slow && type != KvType::bf16) continue;
    for (const auto& [window, sinks] : {Span{0, 0}, Span{300, 0}, Span{130, 4}}) {
      if (slow && sinks == 0) continue;
      std::vector<float> want;
      for (const int n_threads : thread_counts) {
        TwoLayers layers(GetParam(), n_threads, type, window, sinks);
        const std::vector<float> at_once = layers.step({{0, 0, kEnd}});
        if (want.empty()) want = at_once;
        EXPECT_EQ(at_once, want) << n_threads << " threads, the whole prompt";
        layers.step({{1, 0, 290}});  // the other row: chunks, then token by token
        EXPECT_EQ(layers.step({{1, 290, kEnd}}), want) << n_threads << " threads, two chunks";
        for (const std::int32_t p : {511, 512, kEnd - 1}) {
          const std::vector<float> decoded = layers.step({{1, p, p + 1}});
          if (p == kEnd - 1) {
            EXPECT_EQ(decoded, want) << n_threads << " threads, one token";
          }
        }
        EXPECT_EQ(layers.step({{0, 270, 271}, {1, kEnd - 1, kEnd}}), want)
            << n_threads << " threads, beside another row";
        EXPECT_EQ(layers.step({{0, 270, 310}, {1, kEnd - 10, kEnd}}), want)
            << n_threads << " threads, beside a chunk";
      }
    }
  }
}

// What a format loses, and no more: keys turned and queries not, or sums of values not turned back,
// would leave nothing of the result.
TEST_P(CpuAttentionTest, EveryFormatIsAsNearToF32AsItsRounding) {
  struct Format {
    KvType type;
    double error;  // of an element, root mean square, relative to the row's
  };
  constexpr std::int32_t kEnd = 300;
  // A step of bf16 is 2^-8, of int8 1/127 of a row's largest (here at most four times its root mean
  // square), of e4m3 2^-3; evenly spread, a step over sqrt(12). q4: Max's quantiser.
  const double root = std::sqrt(12.0);
  for (const auto& [type, error] :
       {Format{KvType::bf16, 1 / 256.0 / root}, Format{KvType::int8, 4 / 127.0 / root},
        Format{KvType::fp8, 1 / 8.0 / root}, Format{KvType::q4, 0.103}}) {
    for (const std::int32_t sinks : {0, 4}) {
      const std::int32_t window = sinks == 0 ? 0 : 130;
      TwoLayers exact(GetParam(), 2, KvType::f32, window, sinks);
      TwoLayers rounded(GetParam(), 2, type, window, sinks);
      const std::vector<float> want = exact.step({{0, 0, kEnd}}),
                               got = rounded.step({{0, 0, kEnd}});
      double difference = 0, norm = 0;
      for (std::size_t i = 0; i < want.size(); ++i) {
        difference += std::pow(got[i] - want[i], 2);
        norm += std::pow(want[i], 2);
      }
      // Keys and values, in two layers.
      EXPECT_LT(std::sqrt(difference / norm), 4 * error) << name(type) << ", " << sinks << " sinks";
      EXPECT_GT(difference, 0) << name(type);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cpu, CpuAttentionTest, testing::ValuesIn(available_isas()),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace tinyllm
