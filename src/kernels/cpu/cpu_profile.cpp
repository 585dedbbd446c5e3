#include "kernels/cpu/cpu_profile.h"

namespace tinyllm {

void CpuProfile::set(StepProfile* profile) {
  profile_ = profile;
  pool_->watch_waiting(profile != nullptr);
}

void CpuProfile::mark(StepPart part, double bytes, double ops) {
  if (profile_ == nullptr) return;
  mark(part);
  profile_->add_work(part, bytes, ops);
}

void CpuProfile::mark(StepPart part, const PackedMatrix& weights, std::int64_t n_rows) {
  const auto n_products = static_cast<double>(weights.n_padded_rows() * weights.n_cols());
  mark(part, static_cast<double>(weights.n_bytes()), 2 * n_products * static_cast<double>(n_rows));
}

}  // namespace tinyllm
