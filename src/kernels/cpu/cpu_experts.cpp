#include "kernels/cpu/cpu_experts.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/for_each_token.h"

namespace tinyllm {
namespace {

// In place; as scalar::softmax, in a file that no lesson replaces.
void softmax(float* x, std::int64_t n) {
  const float largest = *std::max_element(x, x + n);
  float sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += x[i] = std::exp(x[i] - largest);
  for (std::int64_t i = 0; i < n; ++i) x[i] /= sum;
}

const MlpSpec& expert_of(const MoeSpec& moe, std::int32_t expert) {
  return expert < moe.n_experts ? moe.experts[expert] : moe.shared;
}

}  // namespace

void CpuExperts::configure(const BackendSizes& sizes) {
  if (sizes.max_experts == 0) return;
  const std::int64_t max_tokens = sizes.limits.max_num_batched_tokens;
  const std::int64_t max_rows = max_tokens * sizes.max_experts_per_token;
  hidden_size_ = sizes.hidden_size;
  out_stride_ = whole_panels(sizes.hidden_size);
  choices_.resize(max_rows);
  tokens_.resize(max_rows);
  first_row_.resize(sizes.max_experts + 1);
  groups_.reserve(sizes.max_experts + 1);
  group_experts_.reserve(sizes.max_experts + 1);
  scores_ = Buffer(max_tokens * (whole_panels(sizes.max_experts) + kTileRows) * 4, "activations");
  gated_ = InputRows(max_rows, sizes.intermediate_size);
  out_ = Buffer(max_rows * out_stride_ * 4, "activations");
}

RowForms CpuExperts::reads(const MoeSpec& moe) const {
  const auto of = [&](MatrixId id) { return weights_->matrix(id).reads(); };
  const RowForms forms = of(moe.router) | of(moe.experts.front().gate_up_proj);
  return moe.has_shared() ? forms | of(moe.shared.gate_up_proj) : forms;
}

void CpuExperts::run(const LayerSpec& layer, const InputRows& normed, std::int64_t n_tokens,
                     float* hidden) {
  const MoeSpec& moe = layer.moe;
  route(moe, normed, n_tokens);
  sort_by_expert(moe, n_tokens);
  const std::int64_t n_rows = n_tokens * n_choices_;
  linear_->store_gated(groups_, {normed, n_rows, tokens_.data()}, gated_);
  mark(StepPart::gate_up);
  for (std::size_t g = 0; profile_->is_on() && g < groups_.size(); ++g)
    profile_->add_expert_tokens(layer.layer_idx, group_experts_[g], groups_[g].n_rows);

  take_down_proj(moe);
  const auto any_made = [](const LinearGroup& group) { return group.weights->reads().any_made(); };
  if (std::ranges::any_of(groups_, any_made)) {
    pool_->parallel_for(std::ssize(groups_), 1, [&](std::int64_t g, std::int64_t) {
      const LinearGroup& group = groups_[g];
      const RowForms forms = group.weights->reads();
      const std::int64_t n_cols = whole_tiles(group.weights->n_cols());
      for (std::int64_t row = group.first_row; row < group.first_row + group.n_rows; ++row)
        gated_.convert(*kernels_, forms, row, kUsualSplit, n_cols);
    });
  }
  linear_->store(groups_, {gated_, n_rows}, out_.as<float>().data(), out_stride_);
  add_to_hidden(n_tokens, hidden);
  mark(StepPart::down_proj);
}

void CpuExperts::route(const MoeSpec& moe, const InputRows& normed, std::int64_t n_tokens) {
  const PackedMatrix& router = weights_->matrix(moe.router);
  const std::int64_t stride = router.n_padded_rows();
  float* scores = scores_.as<float>().data();
  n_choices_ = moe.n_experts_per_token + (moe.has_shared() ? 1 : 0);
  linear_->store(router, {normed, n_tokens}, scores, stride);
  for_each_token(*pool_, n_tokens, [&](std::int64_t t) { choose(moe, scores + t * stride, t); });
}

void CpuExperts::choose(const MoeSpec& moe, float* scores, std::int64_t t) {
  const std::span<Choice> choices = choices_of(t);
  if (moe.has_shared()) {
    const float score = scores[whole_panels(moe.n_experts)];  // the second part's only row
    choices.back() = {moe.n_experts, 1.0f / (1.0f + std::exp(-score)), 0};
  }
  softmax(scores, moe.n_experts);
  float sum = 0;
  for (std::int32_t i = 0; i < moe.n_experts_per_token; ++i) {
    const auto best = static_cast<std::int32_t>(std::max_element(scores, scores + moe.n_experts) -
                                                scores);  // of equals the first
    choices[i] = {best, scores[best], 0};
    sum += scores[best];
    scores[best] = -1.0f;
  }
  if (!moe.norm_weights) return;
  for (std::int32_t i = 0; i < moe.n_experts_per_token; ++i) choices[i].weight /= sum;
}

void CpuExperts::sort_by_expert(const MoeSpec& moe, std::int64_t n_tokens) {
  const std::int64_t n_experts = moe.n_experts + (moe.has_shared() ? 1 : 0);
  const std::span<Choice> choices = std::span(choices_).first(n_tokens * n_choices_);
  std::fill_n(first_row_.begin(), n_experts, 0);
  for (const Choice& choice : choices) ++first_row_[choice.expert];
  groups_.clear();
  group_experts_.clear();
  std::int32_t n_before = 0;
  for (std::int32_t e = 0; e < n_experts; ++e) {
    const std::int32_t n_rows = first_row_[e];
    if (n_rows > 0) {
      const MlpSpec& expert = expert_of(moe, e);
      groups_.push_back(
          {&weights_->matrix(expert.gate_up_proj), expert.intermediate_size, n_before, n_rows});
      group_experts_.push_back(e);
    }
    first_row_[e] = n_before;
    n_before += n_rows;
  }
  for (std::int64_t i = 0; i < std::ssize(choices); ++i) {
    choices[i].row = first_row_[choices[i].expert]++;
    tokens_[choices[i].row] = static_cast<std::int32_t>(i / n_choices_);
  }
}

void CpuExperts::take_down_proj(const MoeSpec& moe) {
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    groups_[g].weights = &weights_->matrix(expert_of(moe, group_experts_[g]).down_proj);
    groups_[g].n_cols = hidden_size_;
  }
}

void CpuExperts::add_to_hidden(std::int64_t n_tokens, float* hidden) {
  const float* out = out_.as<float>().data();
  for_each_token(*pool_, n_tokens, [&](std::int64_t t) {
    float* row = hidden + t * hidden_size_;
    for (const Choice& choice : choices_of(t)) {
      const float* y = out + choice.row * out_stride_;
      for (std::int64_t i = 0; i < hidden_size_; ++i) row[i] += choice.weight * y[i];
    }
  });
}

void CpuExperts::mark(StepPart part) {
  if (!profile_->is_on()) return;
  double bytes = 0, ops = 0;
  for (const LinearGroup& group : groups_) {
    const auto n_bytes = static_cast<double>(group.weights->n_bytes());
    bytes += n_bytes;
    ops += 2.0 * static_cast<double>(group.n_rows * group.weights->n_padded_rows() *
                                     group.weights->n_cols());
  }
  profile_->mark(part, bytes, ops);
}

}  // namespace tinyllm
