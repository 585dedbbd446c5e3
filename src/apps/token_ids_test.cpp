#include "apps/token_ids.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace tinyllm {
namespace {

using Ids = std::vector<std::int32_t>;

TEST(TokenIds, ReadsEveryWriting) {
  EXPECT_EQ(parse_token_ids("1 2 3", "test", 10), (Ids{1, 2, 3}));
  EXPECT_EQ(parse_token_ids("1,2,3", "test", 10), (Ids{1, 2, 3}));
  EXPECT_EQ(parse_token_ids(" [1, 2,\n3]\n", "test", 10), (Ids{1, 2, 3}));
  EXPECT_EQ(parse_token_ids("", "test", 10), Ids{});
  EXPECT_EQ(parse_token_ids("[]", "test", 10), Ids{});
  EXPECT_EQ(format_token_ids(Ids{1, 2, 3}), "1 2 3");
  EXPECT_EQ(format_token_ids({}), "");
}

std::string message_of(const char* text) {
  try {
    parse_token_ids(text, "test", 10);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(TokenIds, NamesWhatIsNoId) {
  EXPECT_EQ(message_of("1 x 3"), "test: 'x' is not a token id; it must be in [0, 10)");
  EXPECT_EQ(message_of("10"), "test: '10' is not a token id; it must be in [0, 10)");
  EXPECT_EQ(message_of("-1"), "test: '-1' is not a token id; it must be in [0, 10)");
  EXPECT_EQ(message_of("1.5"), "test: '1.5' is not a token id; it must be in [0, 10)");
  EXPECT_EQ(message_of("99999999999"),
            "test: '99999999999' is not a token id; it must be in [0, 10)");
  EXPECT_EQ(message_of("[1"), "test: '[1' is not a token id; it must be in [0, 10)");
}

}  // namespace
}  // namespace tinyllm
