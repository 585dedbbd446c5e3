#pragma once
// A row's logprobs from what the device found out: the last step is done on the host, in double and
// by the C library's log, as sampling/logprobs.cpp does it.

#include "api/output.h"
#include "kernels/cuda/sampling.h"

namespace tinyllm::cuda {

// top_ids, top_logits: [report.n_top], likeliest first. Allocates only where out.top has to grow.
void read_report(const RowReport& report, const TokenId* top_ids, const float* top_logits,
                 TokenLogprobs& out);

}  // namespace tinyllm::cuda
