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

void CpuBackend::mark_attention(const AttentionSpec& spec) {
  mark(StepPart::attention);
  const CpuAttention::Work work = attention_.work(spec);
  profile_->add_work(StepPart::attention, work.bytes, work.ops);
}

}  // namespace tinyllm
