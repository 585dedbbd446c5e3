#pragma once
// One 32-row panel of quantised weights times int8 activations: the entries of a table.

#include "kernels/cpu/panels/few_tokens.h"
#include "kernels/cpu/panels/many_tokens.h"
#include "kernels/cpu/panels/one_token.h"

namespace tinyllm::panels {

template <typename V, typename L>
static void panel_times_tokens(const byte* panel, std::int64_t k, const QuantisedRow* x,
                               const Residuals* residuals, std::int64_t n_tokens, float* y,
                               std::int64_t y_stride) {
  if (n_tokens == 1) {
    panel_times_one<V, L>(panel, k, x[0], y);
  } else if (n_tokens <= kMostFew<V, L>) {
    panel_times_few<V, L>(panel, k, x, *residuals, n_tokens, y, y_stride);
  } else {
    panel_times_many<V, L>(panel, k, x, *residuals, n_tokens, y, y_stride);
  }
}

}  // namespace tinyllm::panels
