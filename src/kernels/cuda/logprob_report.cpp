#include "kernels/cuda/logprob_report.h"

#include <cmath>

#include "sampling/candidate.h"

namespace tinyllm::cuda {

void read_report(const RowReport& report, const TokenId* top_ids, const float* top_logits,
                 TokenLogprobs& out) {
  const double log_sum =
      std::log(static_cast<double>(report.mass) / static_cast<double>(kFullMass));
  const auto logprob = [&](float logit) {
    const double below_max =
        logit == report.max_logit ? 0.0 : static_cast<double>(logit) - report.max_logit;
    return static_cast<float>(below_max - log_sum);
  };
  out.drawn = {report.token_id, logprob(report.logit)};
  out.rank = report.rank;
  out.top.clear();
  for (std::int32_t i = 0; i < report.n_top; ++i)
    out.top.push_back({top_ids[i], logprob(top_logits[i])});
}

}  // namespace tinyllm::cuda
