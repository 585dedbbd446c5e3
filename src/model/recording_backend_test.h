#pragma once
// A backend that computes nothing: it writes down what it was asked and answers what a test wrote.

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "kernels/backend.h"

namespace tinyllm {

// A StepBatch that owns its arrays.
struct RecordedBatch {
  std::vector<std::int32_t> token_ids, positions, slot_mapping, seq_starts, row_slots,
      adapter_slots, block_starts, blocks;
  std::vector<SampleRow> samples;
  std::vector<std::pair<TokenId, float>> biases;
  std::vector<TokenId> banned_ids;
  std::vector<std::uint32_t> masks;
  struct Reset {
    std::int32_t row_slot;
    std::vector<TokenId> prompt_ids, output_ids;
  };
  std::vector<Reset> history_resets;
};

struct ScriptedOutput {
  std::vector<TokenId> token_ids = {};
  std::vector<TokenLogprobs> logprobs = {};
  std::vector<float> logits = {}, hidden = {};
};

class RecordingBackend final : public Backend {
 public:
  explicit RecordingBackend(std::int32_t lag = 0) : lag_(lag) {}

  std::vector<std::string> calls;      // of packing and of steps, in order
  std::vector<RecordedBatch> batches;  // one a step
  std::vector<BackendSizes> configured;
  std::deque<ScriptedOutput> script;  // one a collect(), the next first

  MatrixId pack_matrix(std::span<const Tensor> parts, PartOrder order, Shard shard) override {
    calls.push_back("matrix of " + std::to_string(parts.size()) +
                    (order == PartOrder::interleaved ? " interleaved" : "") +
                    (shard == Shard::rows      ? ", by rows"
                     : shard == Shard::columns ? ", by columns"
                                               : ""));
    return static_cast<MatrixId>(n_matrices_++);
  }
  VectorId pack_vector(std::span<const Tensor> parts) override {
    calls.push_back("vector of " + std::to_string(parts.size()));
    return static_cast<VectorId>(n_vectors_++);
  }
  void set_rope_table(std::span<const float> cos, std::span<const float>) override {
    calls.push_back("rope " + std::to_string(cos.size()));
  }
  void configure(const BackendSizes& sizes, const KvSpec&) override { configured.push_back(sizes); }
  std::int64_t kv_block_bytes(const BackendSizes&, const KvSpec&) const override { return 1; }
  std::int64_t packed_bytes() const override { return 100 * n_matrices_; }
  std::int64_t packed_bytes(MatrixId) const override { return 100; }
  std::int64_t free_bytes() const override { return 1 << 30; }

  void begin_step(const StepBatch& batch) override {
    calls.push_back("begin_step");
    RecordedBatch& copy = batches.emplace_back();
    const auto keep = [](auto& to, const auto& from) { to.assign(from.begin(), from.end()); };
    keep(copy.token_ids, batch.token_ids);
    keep(copy.positions, batch.positions);
    keep(copy.slot_mapping, batch.slot_mapping);
    keep(copy.seq_starts, batch.seq_starts);
    keep(copy.row_slots, batch.row_slots);
    keep(copy.adapter_slots, batch.adapter_slots);
    keep(copy.block_starts, batch.block_starts);
    keep(copy.blocks, batch.blocks);
    keep(copy.samples, batch.samples);
    keep(copy.biases, batch.biases);
    keep(copy.banned_ids, batch.banned_ids);
    keep(copy.masks, batch.masks);
    for (const HistoryReset& reset : batch.history_resets) {
      copy.history_resets.push_back({reset.row_slot,
                                     {reset.prompt_ids.begin(), reset.prompt_ids.end()},
                                     {reset.output_ids.begin(), reset.output_ids.end()}});
    }
  }
  void run(Recipe kind, function_ref<void()> recipe) override {
    calls.push_back(kind == Recipe::replayable ? "run replayable" : "run watched");
    recipe();
    calls.push_back("end of run");
  }
  void embed(MatrixId id) override { call("embed", static_cast<std::int32_t>(id)); }
  void attention_input(const LayerSpec& layer) override {
    call("attention_input", layer.layer_idx);
  }
  void attention(const LayerSpec& layer) override { call("attention", layer.layer_idx); }
  void attention_output(const LayerSpec& layer) override {
    call("attention_output", layer.layer_idx);
  }
  void mlp(const LayerSpec& layer) override { call("mlp", layer.layer_idx); }
  void experts(const LayerSpec& layer) override { call("experts", layer.layer_idx); }
  void head(const HeadWeights& head) override {
    call("head", static_cast<std::int32_t>(head.lm_head));
  }
  const StepOutput& collect() override {
    CHECK(!script.empty(), "the script has ended");
    current_ = std::move(script.front());
    script.pop_front();
    view_ = {current_.token_ids, current_.logprobs, current_.logits, current_.hidden};
    return view_;
  }
  std::int32_t lag() const override { return lag_; }
  void copy_hidden(std::span<float>) const override {}

 private:
  void call(const char* name, std::int32_t idx) {
    calls.push_back(std::string(name) + " " + std::to_string(idx));
  }

  std::int32_t lag_;
  std::int32_t n_matrices_ = 0, n_vectors_ = 0;
  ScriptedOutput current_;
  StepOutput view_;
};

}  // namespace tinyllm
