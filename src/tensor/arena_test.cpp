#include "tensor/arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "base/error.h"

namespace tinyllm {
namespace {

TEST(Arena, PiecesAreAlignedAndKeepTheirBytes) {
  Arena arena("test");
  const std::vector<std::int64_t> sizes = {1, 63, 64, 65, 1000, 70000, 3, 5 << 20, 200000, 0, 17};
  std::vector<std::byte*> pieces;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    pieces.push_back(arena.take(sizes[i]));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pieces[i]) % 64, 0u);
    std::memset(pieces[i], static_cast<int>(i + 1), sizes[i]);
  }
  for (std::size_t i = 0; i < sizes.size(); ++i) {  // no piece lies in another
    for (std::int64_t byte = 0; byte < sizes[i]; ++byte)
      ASSERT_EQ(pieces[i][byte], static_cast<std::byte>(i + 1)) << "piece " << i;
  }
}

TEST(Arena, NeighboursFollowEachOther) {
  Arena arena("test");
  const std::byte* first = arena.take(100);
  EXPECT_EQ(arena.take(64), first + 128);
}

TEST(Arena, TooMuchIsAnError) {
  Arena arena("test");
  EXPECT_THROW(arena.take(std::int64_t{1} << 50), Error);
}

}  // namespace
}  // namespace tinyllm
