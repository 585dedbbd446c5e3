#pragma once
// A backend that hands every call on to another one: what test backends change, they override.

#include <memory>
#include <string>
#include <utility>

#include "kernels/backend.h"

namespace tinyllm {

class ForwardingBackend : public Backend {
 public:
  explicit ForwardingBackend(std::unique_ptr<Backend> real) : real_(std::move(real)) {}

  MatrixId pack_matrix(std::span<const Tensor> parts, PartOrder order, Shard shard) override {
    return real_->pack_matrix(parts, order, shard);
  }
  VectorId pack_vector(std::span<const Tensor> parts) override { return real_->pack_vector(parts); }
  MatrixId pack_router(std::span<const Tensor> parts) override { return real_->pack_router(parts); }
  void pack_experts(const MoeSpec& moe) override { real_->pack_experts(moe); }
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
  void set_profile(StepProfile* profile) override { real_->set_profile(profile); }
  void begin_step(const StepBatch& batch) override { real_->begin_step(batch); }
  void run(Recipe kind, function_ref<void()> recipe) override { real_->run(kind, recipe); }
  void embed(MatrixId embed_tokens) override { real_->embed(embed_tokens); }
  void attention_input(const LayerSpec& layer) override { real_->attention_input(layer); }
  void attention(const LayerSpec& layer) override { real_->attention(layer); }
  void attention_output(const LayerSpec& layer) override { real_->attention_output(layer); }
  void mlp(const LayerSpec& layer) override { real_->mlp(layer); }
  void experts(const LayerSpec& layer) override { real_->experts(layer); }
  void head(const HeadWeights& head) override { real_->head(head); }
  const StepOutput& collect() override { return real_->collect(); }
  std::int32_t lag() const override { return real_->lag(); }
  std::string arithmetic() const override { return real_->arithmetic(); }
  void read_block(std::int32_t block, std::span<std::byte> out) override {
    real_->read_block(block, out);
  }
  void write_block(std::int32_t block, std::span<const std::byte> in) override {
    real_->write_block(block, in);
  }
  void copy_hidden(std::span<float> out) const override { real_->copy_hidden(out); }

 protected:
  std::unique_ptr<Backend> real_;
};

}  // namespace tinyllm
