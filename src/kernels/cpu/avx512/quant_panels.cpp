// One 32-row panel of quantised weights times int8 activations: an entry a tile format.

#include "kernels/cpu/avx512/many_tokens.h"
#include "kernels/cpu/avx512/one_token.h"

namespace tinyllm::avx512 {
namespace {

template <typename L>
void panel_times_tokens(const byte* panel, std::int64_t k, const QuantisedRow* x,
                        const SplitTokens* split, std::int64_t n_tokens, float* y,
                        std::int64_t y_stride) {
  if (n_tokens == 1) {
    panel_times_one<L>(panel, k, x[0], y);
  } else {
    panel_times_many<L>(panel, k, x, split, n_tokens, y, y_stride);
  }
}

}  // namespace

void panel_w4s(const byte* panel, std::int64_t k, const QuantisedRow* x, const SplitTokens* split,
               std::int64_t n_tokens, float* y, std::int64_t y_stride) {
  panel_times_tokens<W4S>(panel, k, x, split, n_tokens, y, y_stride);
}
void panel_w4a(const byte* panel, std::int64_t k, const QuantisedRow* x, const SplitTokens* split,
               std::int64_t n_tokens, float* y, std::int64_t y_stride) {
  panel_times_tokens<W4A>(panel, k, x, split, n_tokens, y, y_stride);
}
void panel_w4k(const byte* panel, std::int64_t k, const QuantisedRow* x, const SplitTokens* split,
               std::int64_t n_tokens, float* y, std::int64_t y_stride) {
  panel_times_tokens<W4K>(panel, k, x, split, n_tokens, y, y_stride);
}
void panel_w4k16(const byte* panel, std::int64_t k, const QuantisedRow* x, const SplitTokens* split,
                 std::int64_t n_tokens, float* y, std::int64_t y_stride) {
  panel_times_tokens<W4K16>(panel, k, x, split, n_tokens, y, y_stride);
}
void panel_w6k16(const byte* panel, std::int64_t k, const QuantisedRow* x, const SplitTokens* split,
                 std::int64_t n_tokens, float* y, std::int64_t y_stride) {
  panel_times_tokens<W6K16>(panel, k, x, split, n_tokens, y, y_stride);
}
void panel_w8s(const byte* panel, std::int64_t k, const QuantisedRow* x, const SplitTokens* split,
               std::int64_t n_tokens, float* y, std::int64_t y_stride) {
  panel_times_tokens<W8S>(panel, k, x, split, n_tokens, y, y_stride);
}
void panel_w8a(const byte* panel, std::int64_t k, const QuantisedRow* x, const SplitTokens* split,
               std::int64_t n_tokens, float* y, std::int64_t y_stride) {
  panel_times_tokens<W8A>(panel, k, x, split, n_tokens, y, y_stride);
}
void panel_w8k(const byte* panel, std::int64_t k, const QuantisedRow* x, const SplitTokens* split,
               std::int64_t n_tokens, float* y, std::int64_t y_stride) {
  panel_times_tokens<W8K>(panel, k, x, split, n_tokens, y, y_stride);
}

}  // namespace tinyllm::avx512
