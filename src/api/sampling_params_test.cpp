#include "api/sampling_params.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "base/error.h"

namespace tinyllm {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr std::int64_t kVocabSize = 100;

// The message for a change of the defaults; "" if it is valid.
std::string message_for(const std::function<void(SamplingParams&)>& change) {
  SamplingParams params;
  change(params);
  try {
    validate(params, kVocabSize);
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_input);
    return error.what();
  }
}

#define MESSAGE(change) message_for([]([[maybe_unused]] SamplingParams& p) { change; })

TEST(SamplingParams, DefaultsAndTheEndsOfEveryRangeAreValid) {
  EXPECT_EQ(MESSAGE(), "");
  EXPECT_EQ(MESSAGE(p.temperature = 0.0f), "");
  EXPECT_EQ(MESSAGE(p.temperature = 100.0f), "");
  EXPECT_EQ(MESSAGE(p.top_k = -1), "");
  EXPECT_EQ(MESSAGE(p.top_k = 1000000), "");
  EXPECT_EQ(MESSAGE(p.top_p = 1e-30f), "");
  EXPECT_EQ(MESSAGE(p.min_p = 1.0f), "");
  EXPECT_EQ(MESSAGE(p.repetition_penalty = 0.1f), "");
  EXPECT_EQ(MESSAGE(p.presence_penalty = -2.0f), "");
  EXPECT_EQ(MESSAGE(p.frequency_penalty = 2.0f), "");
  EXPECT_EQ(MESSAGE((p.logit_bias = {{0, -100.0f}, {99, 100.0f}, {1, -kInf}})), "");
  EXPECT_EQ(MESSAGE(p.min_tokens = p.max_tokens), "");
  EXPECT_EQ(MESSAGE(p.max_tokens = 1), "");
  EXPECT_EQ(MESSAGE((p.stop_token_ids = {0, 99})), "");
  EXPECT_EQ(MESSAGE(p.stop = {"\n"}), "");
  EXPECT_EQ(MESSAGE(p.n_logprobs = 100), "");
}

TEST(SamplingParams, NumbersOutOfRangeAreNamed) {
  EXPECT_EQ(MESSAGE(p.temperature = -0.5f), "temperature is -0.5, must be in [0, 100]");
  EXPECT_EQ(MESSAGE(p.temperature = 100.5f), "temperature is 100.5, must be in [0, 100]");
  EXPECT_EQ(MESSAGE(p.top_k = -2), "top_k is -2, must be >= 1, or 0 or -1 for all");
  EXPECT_EQ(MESSAGE(p.top_p = 0.0f), "top_p is 0, must be in (0, 1]");
  EXPECT_EQ(MESSAGE(p.top_p = -0.1f), "top_p is -0.1, must be in (0, 1]");
  EXPECT_EQ(MESSAGE(p.top_p = 1.5f), "top_p is 1.5, must be in (0, 1]");
  EXPECT_EQ(MESSAGE(p.min_p = -0.5f), "min_p is -0.5, must be in [0, 1]");
  EXPECT_EQ(MESSAGE(p.min_p = 1.5f), "min_p is 1.5, must be in [0, 1]");
  EXPECT_EQ(MESSAGE(p.repetition_penalty = 0.0f),
            "repetition_penalty is 0, must be > 0 and finite");
  EXPECT_EQ(MESSAGE(p.presence_penalty = 2.5f), "presence_penalty is 2.5, must be in [-2, 2]");
  EXPECT_EQ(MESSAGE(p.frequency_penalty = -2.5f), "frequency_penalty is -2.5, must be in [-2, 2]");
  EXPECT_EQ(MESSAGE(p.max_tokens = 0), "max_tokens is 0, must be >= 1");
  EXPECT_EQ(MESSAGE(p.min_tokens = -1), "min_tokens is -1, must be in [0, max_tokens = 16]");
  EXPECT_EQ(MESSAGE(p.min_tokens = 17), "min_tokens is 17, must be in [0, max_tokens = 16]");
  EXPECT_EQ(MESSAGE(p.n_logprobs = -2), "n_logprobs is -2, must be in [0, 100], or -1 for none");
  EXPECT_EQ(MESSAGE(p.n_logprobs = 101), "n_logprobs is 101, must be in [0, 100], or -1 for none");
}

TEST(SamplingParams, ListsOutOfRangeAreNamed) {
  EXPECT_EQ(MESSAGE((p.logit_bias = {{5, 0.0f}, {100, 1.0f}})),
            "logit_bias is 100, must be a token id in [0, 100)");
  EXPECT_EQ(MESSAGE((p.logit_bias = {{5, 101.0f}})),
            "logit_bias of id 5 is 101, must be in [-100, 100], or -inf");
  EXPECT_EQ(MESSAGE((p.stop_token_ids = {3, -1})),
            "stop_token_ids is -1, must be a token id in [0, 100)");
  EXPECT_EQ(MESSAGE((p.stop = {"a", ""})),
            "stop is an empty string, must be at least one character");
}

TEST(SamplingParams, NanAndInfinityAreRefused) {
  for (const float value : {kNan, kInf, -kInf}) {
    const auto expect_refused = [&](float SamplingParams::*field, const char* name) {
      EXPECT_THAT(message_for([&](SamplingParams& p) { p.*field = value; }),
                  testing::StartsWith(fmt::format("{} is {}, must be ", name, value)));
    };
    expect_refused(&SamplingParams::temperature, "temperature");
    expect_refused(&SamplingParams::top_p, "top_p");
    expect_refused(&SamplingParams::min_p, "min_p");
    expect_refused(&SamplingParams::repetition_penalty, "repetition_penalty");
    expect_refused(&SamplingParams::presence_penalty, "presence_penalty");
    expect_refused(&SamplingParams::frequency_penalty, "frequency_penalty");
  }
  EXPECT_THAT(MESSAGE((p.logit_bias = {{5, kNan}})),
              testing::StartsWith("logit_bias of id 5 is nan"));
  EXPECT_THAT(MESSAGE((p.logit_bias = {{5, kInf}})),
              testing::StartsWith("logit_bias of id 5 is inf"));
}

}  // namespace
}  // namespace tinyllm
