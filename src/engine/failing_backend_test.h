#pragma once
// A backend that throws in a given step, for tests of what happens then.

#include <memory>
#include <new>
#include <utility>

#include "kernels/backend.h"

namespace tinyllm {

class FailingBackend : public Backend {
 public:
  // The first n_good_steps work, the next has no memory.
  FailingBackend(std::unique_ptr<Backend> real, int n_good_steps)
      : real_(std::move(real)), n_left_(n_good_steps) {}

  MatrixId pack_matrix(std::span<const Tensor> parts, PartOrder order, Shard shard) override {
    return real_->pack_matrix(parts, order, shard);
  }
  VectorId pack_vector(std::span<const Tensor> parts) override { return real_->pack_vector(parts); }
  void set_rope_table(std::span<const float> cos, std::span<const float> sin) override {
    real_->set_rope_table(cos, sin);
  }
  void configure(const BackendSizes& sizes, const KvSpec& kv) override {
    real_->configure(sizes, kv);
  }
  std::int64_t kv_block_bytes(const BackendSizes& sizes, const KvSpec& kv) const override {
    return real_->kv_block_bytes(sizes, kv);
  }
  std::int64_t packed_bytes() const override { return real_->packed_bytes(); }
  std::int64_t packed_bytes(MatrixId id) const override { return real_->packed_bytes(id); }
  std::int64_t free_bytes() const override { return real_->free_bytes(); }
  void begin_step(const ForwardBatch& batch) override {
    if (n_left_-- == 0) throw std::bad_alloc();
    real_->begin_step(batch);
  }
  void run(const StepKey& key, function_ref<void()> recipe) override { real_->run(key, recipe); }
  void embed(MatrixId embed_tokens) override { real_->embed(embed_tokens); }
  void attention_input(const LayerSpec& layer) override { real_->attention_input(layer); }
  void attention(const LayerSpec& layer) override { real_->attention(layer); }
  void attention_output(const LayerSpec& layer) override { real_->attention_output(layer); }
  void mlp(const LayerSpec& layer) override { real_->mlp(layer); }
  void head(const HeadWeights& head, const SampleBatch& samples) override {
    real_->head(head, samples);
  }
  const StepOutput& collect() override { return real_->collect(); }
  std::int32_t lag() const override { return real_->lag(); }
  void copy_hidden(std::span<float> out) const override { real_->copy_hidden(out); }

 private:
  std::unique_ptr<Backend> real_;
  int n_left_;
};

}  // namespace tinyllm
