#include "api/step_profile.h"

#include <algorithm>

namespace tinyllm {

std::string_view name(StepPart part) {
  constexpr std::array<std::string_view, kNumStepParts> kNames = {
      "embedding", "norm", "q k v", "rope",     "attention", "o",
      "gate up",   "down", "head",  "sampling", "waiting",   "rest"};
  return kNames[static_cast<std::size_t>(part)];
}

double StepProfile::Sums::seconds() const {
  double sum = 0;
  for (const Part& part : parts) sum += part.seconds;
  return sum;
}

void StepProfile::begin() {
  step_ = {};
  last_ = std::chrono::steady_clock::now();
}

void StepProfile::end() {
  if (step_.n_tokens == 0) return;
  mark(StepPart::rest, 0);
  Sums& sums = sums_[static_cast<std::size_t>(kind_)];
  ++sums.n_steps;
  sums.n_tokens += step_.n_tokens;
  for (std::size_t i = 0; i < kNumStepParts; ++i) {
    sums.parts[i].seconds += step_.parts[i].seconds;
    sums.parts[i].bytes += step_.parts[i].bytes;
    sums.parts[i].ops += step_.parts[i].ops;
  }
}

void StepProfile::set_batch(std::int64_t n_tokens, std::int64_t n_rows) {
  step_.n_tokens = n_tokens;
  kind_ = n_tokens > n_rows ? Kind::prefill : n_rows > 1 ? Kind::decode_together : Kind::decode;
  mark(StepPart::rest, 0);
}

void StepProfile::mark(StepPart part, double waited_s) {
  const auto now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - last_).count();
  const double waited = std::min(seconds, waited_s);
  last_ = now;
  step_.parts[static_cast<std::size_t>(part)].seconds += seconds - waited;
  step_.parts[static_cast<std::size_t>(StepPart::waiting)].seconds += waited;
}

void StepProfile::add_work(StepPart part, double bytes, double ops) {
  Part& sums = step_.parts[static_cast<std::size_t>(part)];
  sums.bytes += bytes;
  sums.ops += ops;
}

void StepProfile::add_expert_tokens(std::int32_t layer_idx, std::int32_t expert,
                                    std::int64_t n_tokens) {
  const auto grow = [](auto& items, std::int32_t i) -> auto& {
    if (std::ssize(items) <= i) items.resize(i + 1);
    return items[i];
  };
  grow(grow(expert_tokens_, layer_idx), expert) += n_tokens;
}

}  // namespace tinyllm
