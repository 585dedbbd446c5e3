#include "api/context_limit.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace tinyllm {
namespace {

TEST(ContextLimit, OneTokenMustBeLeft) {
  EXPECT_TRUE(leaves_room(63, 64));
  EXPECT_FALSE(leaves_room(64, 64));
  EXPECT_NO_THROW(require_room(63, 64));
  try {
    require_room(64, 64);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::context_overflow);
    EXPECT_STREQ(error.what(),
                 "the prompt has 64 tokens, the context holds 64 and one must be left for the "
                 "answer; shorten it or raise --context");
  }
}

TEST(ContextLimit, MoreThanTheRoomIsNotWanted) {
  SamplingParams params;
  params.max_tokens = 100;
  params.min_tokens = 90;
  fit_into_room(params, 20, 100);
  EXPECT_EQ(params.max_tokens, 80);
  EXPECT_EQ(params.min_tokens, 80);
  params.max_tokens = params.min_tokens = 5;
  fit_into_room(params, 20, 100);
  EXPECT_EQ(params.max_tokens, 5);
  EXPECT_EQ(params.min_tokens, 5);
}

}  // namespace
}  // namespace tinyllm
