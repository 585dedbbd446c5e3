#include "apps/sampling_options.h"

#include <charconv>
#include <limits>
#include <random>

#include "base/error.h"

namespace tinyllm {
namespace {

constexpr const char* kSamplingGroup = "Sampling";

template <typename T>
void add(Command command, const char* name, std::optional<T>& value, const char* help, double low,
         double high) {
  command.add_option(name, value, help)
      .in_range(low, high)
      .type_name(std::is_integral_v<T> ? "N" : "X")
      .group(kSamplingGroup);
}

std::pair<TokenId, float> parse_logit_bias(const std::string& text) {
  TokenId id = 0;
  float bias = 0;
  const char* end = text.data() + text.size();
  const auto [equals, id_error] = std::from_chars(text.data(), end, id);
  if (id_error == std::errc() && equals != end && *equals == '=') {
    const auto [rest, bias_error] = std::from_chars(equals + 1, end, bias);
    if (bias_error == std::errc() && rest == end) return {id, bias};
  }
  fail(ErrorCode::usage, "--logit-bias: '{}' is not ID=VALUE, for example 42=-5.5", text);
}

std::uint64_t random_seed() {
  // 32 bits: short enough to type again.
  return std::random_device{}();
}

// What chat and completion share: everything but the shape of the distribution.
SamplingParams common_params(const SamplingOptions& options) {
  SamplingParams params;
  params.presence_penalty = options.presence_penalty.value_or(0.0f);
  params.frequency_penalty = options.frequency_penalty.value_or(0.0f);
  params.min_tokens = options.min_tokens.value_or(0);
  params.max_tokens = options.max_tokens.value_or(std::numeric_limits<int>::max());
  params.stop = options.stop;
  params.ignore_eos = options.ignore_eos;
  for (const std::string& text : options.logit_bias) {
    params.logit_bias.push_back(parse_logit_bias(text));
  }
  params.seed = options.seed ? *options.seed : random_seed();
  return params;
}

}  // namespace

void add_sampling_options(Command command, SamplingOptions& options) {
  constexpr int kMaxInt = std::numeric_limits<int>::max();
  add(command, "-n,--max-tokens", options.max_tokens, "At most that many new tokens", 1, kMaxInt);
  add(command, "--temperature", options.asked.temperature, "0: always the likeliest token", 0, 100);
  add(command, "--top-k", options.asked.top_k, "Draw from the k likeliest tokens; 0: all", 0,
      kMaxInt);
  add(command, "--top-p", options.asked.top_p, "Draw from the likeliest whose mass reaches this",
      1e-6, 1);
  add(command, "--min-p", options.asked.min_p, "Drop tokens below this part of the likeliest one",
      0, 1);
  command.add_option("--seed", options.seed, "The same seed gives the same text (default: random)")
      .type_name("N")
      .group(kSamplingGroup);
  add(command, "--repetition-penalty", options.asked.repetition_penalty, "Over 1: fewer repeats",
      1e-3, 100);
  add(command, "--presence-penalty", options.presence_penalty, "Once a token said before", -2, 2);
  add(command, "--frequency-penalty", options.frequency_penalty, "For each time it was said", -2,
      2);
  command.add_option("--logit-bias", options.logit_bias, "Add VALUE to that token's logit")
      .type_name("ID=VALUE")
      .repeatable()
      .group(kSamplingGroup);
  add(command, "--min-tokens", options.min_tokens, "No end before that many tokens", 0, kMaxInt);
  command.add_option("--stop", options.stop, "End before this text; may be given again")
      .type_name("TEXT")
      .repeatable()
      .group(kSamplingGroup);
  command.add_flag("--ignore-eos", options.ignore_eos, "Go on past the model's end tokens")
      .group(kSamplingGroup);
}

SamplingParams chat_sampling(const SamplingOptions& options, const GenerationDefaults& defaults) {
  SamplingParams params = common_params(options);
  fill_sampling(params, options.asked, defaults, /*temperature_without_advice=*/0.0f);
  return params;
}

SamplingParams completion_sampling(const SamplingOptions& options) {
  return chat_sampling(options, {});
}

}  // namespace tinyllm
