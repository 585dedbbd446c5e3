#include "loader/context_settings.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/temp_folder_test.h"
#include "loader/random_checkpoint.h"

namespace tinyllm {
namespace {

using testing::error_of;
using Windows = std::vector<AttentionWindow>;

std::string usage(const ContextSettings& settings) {
  return error_of(ErrorCode::usage, [&] { validate(settings); });
}
std::string scaling_error(const char* text) {
  return error_of(ErrorCode::usage, [&] { parse_rope_scaling(text); });
}

ModelConfig with(const ContextSettings& settings, ModelConfig config = small_config("llama")) {
  apply(settings, config, "m");
  return config;
}

TEST(ContextSettings, WindowsOfAllLayersThatSeeMore) {
  EXPECT_EQ(with({}).windows, Windows{});
  EXPECT_EQ(with({.window = 64, .sinks = 4}).windows, (Windows{{64, 4}, {64, 4}}));
  ModelConfig own = small_config("llama");
  own.windows = {{32, 0}, {0, 0}};
  EXPECT_EQ(with({.window = 64, .sinks = 4}, own).windows, (Windows{{32, 0}, {64, 4}}));
  EXPECT_EQ(with({.window = 16}, own).windows, (Windows{{16, 0}, {16, 0}}));
}

TEST(ContextSettings, TextsMayBeEndlessWhereNoLayerSeesFar) {
  EXPECT_EQ(with({}).max_seq_len, 256);
  EXPECT_EQ(with({.window = 252, .sinks = 4}).max_seq_len, kEndlessContext);
  EXPECT_EQ(with({.window = 253, .sinks = 4}).max_seq_len, 256);
  EXPECT_TRUE(is_endless(with({.window = 64})));
  EXPECT_FALSE(is_endless(with({})));
  ModelConfig mixed = small_config("llama");
  mixed.windows = {{32, 0}, {0, 0}};
  EXPECT_FALSE(is_endless(mixed));
}

TEST(ContextSettings, RopeScaling) {
  const RopeScaling linear = parse_rope_scaling("linear:2.5");
  EXPECT_EQ(linear.type, RopeScaling::Type::linear);
  EXPECT_EQ(linear.factor, 2.5);
  const ModelConfig stretched = with({.rope_scaling = linear});
  EXPECT_EQ(stretched.max_seq_len, 640);
  EXPECT_EQ(stretched.rope_scaling.factor, 2.5);

  const ModelConfig yarn = with({.rope_scaling = parse_rope_scaling("yarn:4")});
  EXPECT_EQ(yarn.rope_scaling.type, RopeScaling::Type::yarn);
  EXPECT_EQ(yarn.rope_scaling.original_max_seq_len, 256);
  EXPECT_DOUBLE_EQ(yarn.rope_scaling.attention_factor, 0.1 * std::log(4.0) + 1);
  EXPECT_EQ(yarn.max_seq_len, 1024);
  // A file that is stretched already says what it was trained for.
  EXPECT_EQ(with({.rope_scaling = parse_rope_scaling("yarn:2")}, yarn).max_seq_len, 512);
  EXPECT_EQ(with({.rope_scaling = parse_rope_scaling("yarn:2,100")}, yarn).max_seq_len, 200);
  // The length that a file with linear scaling says is the stretched one.
  EXPECT_EQ(with({.rope_scaling = linear}, stretched).max_seq_len, 640);
  EXPECT_EQ(with({.rope_scaling = parse_rope_scaling("yarn:2")}, stretched).max_seq_len, 512);
  EXPECT_EQ(with({.rope_scaling = parse_rope_scaling("none")}, stretched).max_seq_len, 256);
  const ModelConfig none = with({.rope_scaling = parse_rope_scaling("none")}, yarn);
  EXPECT_EQ(none.max_seq_len, 256);
  EXPECT_EQ(none.rope_scaling.type, RopeScaling::Type::none);
}

// As GGUF files of Llama 3 have them.
TEST(ContextSettings, FactorsOfEachFrequencyDoNotSayWhatLengthWasTrained) {
  ModelConfig own = small_config("llama");
  own.rope_scaling.freq_factors.assign(static_cast<std::size_t>(own.head_dim / 2), 2.0f);
  for (const char* kind : {"none", "linear:2", "yarn:2"}) {
    EXPECT_EQ(
        error_of(ErrorCode::usage, [&] { with({.rope_scaling = parse_rope_scaling(kind)}, own); }),
        "--rope-scaling: m: the file stretches each frequency by a factor of its own, and "
        "does not say what length the model was trained for before; use yarn:F,LENGTH "
        "(Llama 3: 8192)");
  }
  const ModelConfig yarn = with({.rope_scaling = parse_rope_scaling("yarn:2,100")}, own);
  EXPECT_EQ(yarn.max_seq_len, 200);
  EXPECT_TRUE(yarn.rope_scaling.freq_factors.empty());
}

TEST(ContextSettings, InWords) {
  EXPECT_EQ(describe_context(with({})), "all positions");
  EXPECT_EQ(
      describe_context(with({.window = 64, .rope_scaling = parse_rope_scaling("linear:2.5")})),
      "a window of 64, linear x 2.5");
  ModelConfig mixed = small_config("llama");
  mixed.windows = {{32, 0}, {0, 0}};
  EXPECT_EQ(describe_context(mixed), "a window of 32 or all positions");
  EXPECT_EQ(describe_context(with(
                {.window = 64, .sinks = 4, .rope_scaling = parse_rope_scaling("yarn:4")}, mixed)),
            "a window of 32 or a window of 64 and 4 sinks, yarn x 4 of 256");
}

TEST(ContextSettings, BadInput) {
  EXPECT_EQ(usage({.sinks = 4}),
            "--sinks 4: there is no window beside which the first tokens could stay; give --window "
            "N too");
  EXPECT_EQ(usage({.window = 15}), "--window 15: must be in [16, 16777216]; 1024 to 4096 is usual");
  EXPECT_EQ(usage({.window = 64, .sinks = 257}), "--sinks 257: must be in [0, 256]; 4 is usual");
  const std::string forms = "; it takes linear:F, yarn:F or yarn:F,LENGTH, or none";
  EXPECT_EQ(scaling_error("yarn"),
            "--rope-scaling 'yarn': the factor is '', must be a number in [1, 1024]" + forms);
  EXPECT_EQ(
      scaling_error("linear:x2"),
      "--rope-scaling 'linear:x2': the factor is 'x2', must be a number in [1, 1024]" + forms);
  EXPECT_EQ(
      scaling_error("linear:nan"),
      "--rope-scaling 'linear:nan': the factor is 'nan', must be a number in [1, 1024]" + forms);
  EXPECT_EQ(
      scaling_error("yarn:0.5"),
      "--rope-scaling 'yarn:0.5': the factor is '0.5', must be a number in [1, 1024]" + forms);
  EXPECT_EQ(scaling_error("yarn:2,"),
            "--rope-scaling 'yarn:2,': the trained length is '', must be a number in [1, "
            "16777216]" +
                forms);
  EXPECT_EQ(scaling_error("linear:2,4096"),
            "--rope-scaling 'linear:2,4096': linear has no trained length" + forms);
  EXPECT_EQ(scaling_error("dynamic:4"),
            "--rope-scaling 'dynamic:4': dynamic NTK turns all keys anew as the text grows, so "
            "nothing that was computed could be kept; use yarn:F");
  EXPECT_EQ(scaling_error("llama3:8"),
            "--rope-scaling 'llama3:8': llama3 has numbers that a model was trained with; they are "
            "read from its file only" +
                forms);
  EXPECT_EQ(scaling_error("swing:2"), "--rope-scaling 'swing:2': is no kind of scaling" + forms);
}

}  // namespace
}  // namespace tinyllm
