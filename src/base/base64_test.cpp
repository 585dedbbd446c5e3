#include "base/base64.h"

#include <gtest/gtest.h>

#include <string_view>

namespace tinyllm {
namespace {

std::string encoded(std::string_view text) {
  return to_base64(std::as_bytes(std::span(text.data(), text.size())));
}

// RFC 4648, section 10, and bytes over 127.
TEST(Base64, TestVectors) {
  EXPECT_EQ(encoded(""), "");
  EXPECT_EQ(encoded("f"), "Zg==");
  EXPECT_EQ(encoded("fo"), "Zm8=");
  EXPECT_EQ(encoded("foo"), "Zm9v");
  EXPECT_EQ(encoded("foob"), "Zm9vYg==");
  EXPECT_EQ(encoded("fooba"), "Zm9vYmE=");
  EXPECT_EQ(encoded("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encoded("\xFB\xFF\xFE"), "+//+");
}

}  // namespace
}  // namespace tinyllm
