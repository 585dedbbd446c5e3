#include "apps/progress_bar.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

TEST(ProgressLine, ShowsPartRateAndTimeLeft) {
  EXPECT_EQ(progress_line("x", 50'000'000, 100'000'000, ProgressUnit::bytes, 10e6, 80),
            "x  [===============               ]   50 %  50.0/100.0 MB  10.0 MB/s  5 s");
  EXPECT_EQ(progress_line("x", 3, 3, ProgressUnit::count, 1.0, 80),
            "x  [==============================]  100 %  3/3  1/s");
}

TEST(ProgressLine, UnknownTotalShowsWhatIsDone) {
  EXPECT_EQ(progress_line("x", 7'000'000, 0, ProgressUnit::bytes, 0, 80), "x  7.0 MB");
}

TEST(ProgressLine, FitsTheWidth) {
  for (int width = 0; width < 100; ++width) {
    EXPECT_LE(progress_line("a long label", 5, 10, ProgressUnit::bytes, 1, width).size(),
              static_cast<std::size_t>(width));
  }
}

}  // namespace
}  // namespace tinyllm
