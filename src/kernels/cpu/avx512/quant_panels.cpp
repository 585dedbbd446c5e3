// One 32-row panel of quantised weights times int8 activations: the entries of the table.

#include "kernels/cpu/avx512/few_tokens.h"
#include "kernels/cpu/avx512/many_tokens.h"
#include "kernels/cpu/avx512/one_token.h"

namespace tinyllm::avx512 {
namespace {

template <typename L>
void panel_times_tokens(const byte* panel, std::int64_t k, const QuantisedRow* x,
                        const Residuals* residuals, std::int64_t n_tokens, float* y,
                        std::int64_t y_stride) {
  if (n_tokens == 1) {
    panel_times_one<L>(panel, k, x[0], y);
  } else if (n_tokens <= kFewTokens) {
    panel_times_few<L>(panel, k, x, *residuals, n_tokens, y, y_stride);
  } else {
    panel_times_many<L>(panel, k, x, *residuals, n_tokens, y, y_stride);
  }
}

}  // namespace

QuantPanel* const kQuantPanels[kNumTileFormats] = {
    nullptr,  // f32
    nullptr,  // f16
    nullptr,  // bf16
    nullptr,  // bf16_pairs
    panel_times_tokens<W4S>,
    panel_times_tokens<W4A>,
    panel_times_tokens<W4K>,
    panel_times_tokens<W4K16>,
    panel_times_tokens<W8S>,
    panel_times_tokens<W8A>,
    panel_times_tokens<W8K>,
    panel_times_tokens<W6K16>,
};

}  // namespace tinyllm::avx512
