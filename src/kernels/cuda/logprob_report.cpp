#include "kernels/cuda/logprob_report.h"

#include "sampling/logprobs.h"

namespace tinyllm::cuda {

void read_report(const RowReport& report, const TokenId* top_ids, const float* top_logits,
                 TokenLogprobs& out) {
  const double log_sum = log_of_mass(report.mass);
  const auto logprob = [&](float logit) { return logprob_of(logit, report.max_logit, log_sum); };
  out.drawn = {report.token_id, logprob(report.logit)};
  out.rank = report.rank;
  out.top.clear();
  for (std::int32_t i = 0; i < report.n_top; ++i)
    out.top.push_back({top_ids[i], logprob(top_logits[i])});
}

}  // namespace tinyllm::cuda
