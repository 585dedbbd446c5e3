#include "client/sampling_defaults.h"

#include <gtest/gtest.h>

#include "text/model_text.h"

namespace tinyllm {
namespace {

SamplingParams filled(const AskedSampling& asked, const GenerationDefaults& recommended,
                      float temperature_without_advice) {
  SamplingParams params;
  fill_sampling(params, asked, recommended, temperature_without_advice);
  return params;
}

TEST(SamplingDefaults, TheCallerComesFirstThenTheAuthors) {
  GenerationDefaults recommended;
  recommended.temperature = 0.7f;
  recommended.top_p = 0.8f;
  recommended.top_k = 20;
  recommended.repetition_penalty = 1.1f;
  const SamplingParams advised = filled({}, recommended, 0.0f);
  EXPECT_EQ(advised.temperature, 0.7f);
  EXPECT_EQ(advised.top_p, 0.8f);
  EXPECT_EQ(advised.top_k, 20);
  EXPECT_EQ(advised.min_p, 0.0f);
  EXPECT_EQ(advised.repetition_penalty, 1.1f);

  AskedSampling asked;
  asked.temperature = 0.2f;
  asked.top_p = 1.0f;
  asked.top_k = 0;
  asked.min_p = 0.05f;
  asked.repetition_penalty = 1.0f;
  const SamplingParams wanted = filled(asked, recommended, 0.0f);
  EXPECT_EQ(wanted.temperature, 0.2f);
  EXPECT_EQ(wanted.top_p, 1.0f);
  EXPECT_EQ(wanted.top_k, 0);
  EXPECT_EQ(wanted.min_p, 0.05f);
  EXPECT_EQ(wanted.repetition_penalty, 1.0f);
}

TEST(SamplingDefaults, WithoutAdviceTheFrontEndSaysHowWarm) {
  EXPECT_EQ(filled({}, {}, 0.0f).temperature, 0.0f);
  EXPECT_EQ(filled({}, {}, 1.0f).temperature, 1.0f);
  GenerationDefaults shape_only;
  shape_only.top_p = 0.9f;  // of no use without a temperature: 1 is meant
  EXPECT_EQ(filled({}, shape_only, 0.0f).temperature, 1.0f);
  AskedSampling tiny;
  tiny.temperature = 1e-6f;
  EXPECT_EQ(filled(tiny, {}, 1.0f).temperature, 0.0f);
}

}  // namespace
}  // namespace tinyllm
