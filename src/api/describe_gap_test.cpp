#include "api/describe_gap.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

using Why = PrefixGap::Why;

std::string sentence(Why why, std::int64_t n_cached, std::int64_t n_common) {
  TextAccount account;
  account.n_cached = n_cached;
  account.gap = {why, n_common};
  return describe_gap(account, 32, "'cat'");
}

TEST(DescribeGap, NamesTheTokenThatDiffers) {
  EXPECT_EQ(sentence(Why::differs, 64, 70),
            "the nearest cached text differs in token 70, counted from 0, which is 'cat' here; "
            "blocks of 32 tokens are shared whole, so 6 equal ones were computed too");
  EXPECT_EQ(sentence(Why::differs, 64, 64),
            "the nearest cached text differs in token 64, counted from 0, which is 'cat' here");
  EXPECT_EQ(sentence(Why::differs, 0, 0),
            "the nearest cached text differs in the first token, which is 'cat' here");
}

TEST(DescribeGap, TellsTheOtherReasonsApart) {
  EXPECT_NE(sentence(Why::not_looked, 0, 0).find("off"), std::string::npos);
  EXPECT_NE(sentence(Why::whole, 0, 0).find("has none"), std::string::npos);
  EXPECT_NE(sentence(Why::whole, 64, 64).find("every whole block of 32"), std::string::npos);
  EXPECT_NE(sentence(Why::unknown, 0, 0).find("begins like this"), std::string::npos);
  EXPECT_NE(sentence(Why::unknown, 64, 64).find("behind the first 64 tokens"), std::string::npos);
  EXPECT_NE(sentence(Why::given_away, 0, 96).find("first 96 tokens are known"), std::string::npos);
}

}  // namespace
}  // namespace tinyllm
