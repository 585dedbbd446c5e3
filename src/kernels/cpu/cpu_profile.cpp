// What the CPU backend tells a StepProfile.

#include "kernels/cpu/cpu_backend.h"

namespace tinyllm {

void CpuBackend::set_profile(StepProfile* profile) {
  profile_ = profile;
  pool_->watch_waiting(profile != nullptr);
}

void CpuBackend::mark_product(StepPart part, const PackedMatrix& weights, std::int64_t n_rows) {
  mark(part);
  const auto n_products = static_cast<double>(weights.n_padded_rows() * weights.n_cols());
  profile_->add_work(part, static_cast<double>(weights.n_bytes()),
                     2 * n_products * static_cast<double>(n_rows));
}

// Keys and values are read once a chunk of queries; each query multiplies with both of every
// position up to its own.
void CpuBackend::mark_attention(const AttentionSpec& spec) {
  mark(StepPart::attention);
  double n_positions = 0, n_read = 0;
  for (std::int32_t i = 0; i < n_query_chunks_; ++i) {
    const QueryChunk& chunk = query_chunks_[static_cast<std::size_t>(i)];
    const double n = chunk.n_tokens;
    const double first = batch_.positions[static_cast<std::size_t>(chunk.first_token)];
    n_read += first + n;
    n_positions += n * (first + (n + 1) / 2);
  }
  profile_->add_work(
      StepPart::attention,
      n_read * spec.n_kv_heads * static_cast<double>(kv_page_bytes(kv_.type, 1, spec.head_dim)),
      n_positions * 4 * static_cast<double>(spec.q_size()));
}

}  // namespace tinyllm
