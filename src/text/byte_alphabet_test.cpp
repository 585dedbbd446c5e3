#include <gtest/gtest.h>

#include "base/utf8.h"
#include "text/tokenizer_spec.h"

namespace tinyllm {
namespace {

TEST(ByteAlphabet, EveryByteThereAndBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const std::string printable = printable_from_bytes(all);
  EXPECT_TRUE(is_valid_utf8(printable));
  EXPECT_EQ(bytes_from_printable(printable), all);
}

TEST(ByteAlphabet, KnownLetters) {
  EXPECT_EQ(printable_from_bytes(" the\n"), "ĠtheĊ");
  EXPECT_EQ(printable_from_bytes("\u00e9"), "Ã©");
  EXPECT_EQ(printable_from_bytes({"\0\x7f\xad", 3}), "\u0100\u0121\u0143");
  EXPECT_EQ(bytes_from_printable(" "), std::nullopt);
  EXPECT_EQ(bytes_from_printable("\u2581the"), std::nullopt);
  EXPECT_EQ(bytes_from_printable("\u0144"), std::nullopt);
  EXPECT_EQ(bytes_from_printable("\u00ad"), std::nullopt);
  EXPECT_EQ(bytes_from_printable("\xFF"), std::nullopt);
}

}  // namespace
}  // namespace tinyllm
