#include "loader/context_settings.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <system_error>

#include "base/error.h"
#include "base/quote.h"
#include "rope/yarn.h"

namespace tinyllm {
namespace {

constexpr std::string_view kForms = "it takes linear:F, yarn:F or yarn:F,LENGTH, or none";

// The whole of `text`, in [min, max].
double read_number(std::string_view text, std::string_view all, const char* what, double min,
                   double max) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && value >= min && value <= max) return value;
  fail(ErrorCode::usage, "--rope-scaling {}: {} is {}, must be a number in [{}, {}]; {}",
       quote(all), what, quote(text), min, max, kForms);
}

[[noreturn]] void refuse_type(std::string_view type, std::string_view all) {
  if (type == "dynamic" || type == "ntk") {
    fail(
        ErrorCode::usage,
        "--rope-scaling {}: dynamic NTK turns all keys anew as the text grows, so nothing that was "
        "computed could be kept; use yarn:F",
        quote(all));
  }
  if (type == "llama3" || type == "longrope" || type == "su") {
    fail(ErrorCode::usage,
         "--rope-scaling {}: {} has numbers that a model was trained with; they are read from its "
         "file only; {}",
         quote(all), type, kForms);
  }
  fail(ErrorCode::usage, "--rope-scaling {}: is no kind of scaling; {}", quote(all), kForms);
}

// The length that the model was trained for before it was stretched. With linear scaling a file
// says the stretched length: no more is claimed than that.
double trained_length(const ModelConfig& config, const std::string& source) {
  const RopeScaling& own = config.rope_scaling;
  if (own.type == RopeScaling::Type::yarn || own.type == RopeScaling::Type::llama3)
    return own.original_max_seq_len;
  if (!own.freq_factors.empty()) {
    fail(ErrorCode::usage,
         "--rope-scaling: {}: the file stretches each frequency by a factor of its own, and does "
         "not say what length the model was trained for before; use yarn:F,LENGTH (Llama 3: 8192)",
         source);
  }
  const auto length = static_cast<double>(config.max_seq_len);
  return own.type == RopeScaling::Type::linear ? length / own.factor : length;
}

void scale(const RopeScaling& wanted, ModelConfig& config, const std::string& source) {
  RopeScaling scaling = wanted;
  if (scaling.original_max_seq_len == 0)
    scaling.original_max_seq_len = trained_length(config, source);
  if (scaling.type == RopeScaling::Type::yarn) {
    scaling.attention_factor = yarn_mscale(scaling.factor);
  }
  config.max_seq_len = std::llround(scaling.factor * scaling.original_max_seq_len);
  config.rope_scaling = scaling;
}

void set_windows(const ContextSettings& settings, ModelConfig& config) {
  config.windows.resize(static_cast<std::size_t>(config.n_layers));
  for (AttentionWindow& layer : config.windows) {
    if (layer.window == 0 || layer.window > settings.window)
      layer = {.window = settings.window, .sinks = settings.sinks};
  }
  if (is_endless(config)) config.max_seq_len = std::max(config.max_seq_len, kEndlessContext);
}

}  // namespace

RopeScaling parse_rope_scaling(std::string_view text) {
  constexpr double kMaxFactor = 1024, kMaxLength = 1 << 24;
  RopeScaling scaling;
  if (text == "none") return scaling;
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view type = text.substr(0, colon);
  if (type != "linear" && type != "yarn") refuse_type(type, text);
  std::string_view numbers = text.substr(std::min(colon + 1, text.size()));
  const std::size_t comma = std::min(numbers.find(','), numbers.size());
  scaling.type = type == "yarn" ? RopeScaling::Type::yarn : RopeScaling::Type::linear;
  if (comma < numbers.size()) {
    if (type != "yarn") {
      fail(ErrorCode::usage, "--rope-scaling {}: linear has no trained length; {}", quote(text),
           kForms);
    }
    scaling.original_max_seq_len =
        read_number(numbers.substr(comma + 1), text, "the trained length", 1, kMaxLength);
  }
  scaling.factor = read_number(numbers.substr(0, comma), text, "the factor", 1, kMaxFactor);
  return scaling;
}

void validate(const ContextSettings& settings) {
  constexpr std::int64_t kMaxWindow = 1 << 24, kMaxSinks = 256;
  if (settings.sinks != 0 && settings.window == 0) {
    fail(ErrorCode::usage,
         "--sinks {}: there is no window beside which the first tokens could stay; give --window N "
         "too",
         settings.sinks);
  }
  if (settings.window != 0 && (settings.window < kMinWindow || settings.window > kMaxWindow)) {
    fail(ErrorCode::usage, "--window {}: must be in [{}, {}]; 1024 to 4096 is usual",
         settings.window, kMinWindow, kMaxWindow);
  }
  if (settings.sinks < 0 || settings.sinks > kMaxSinks) {
    fail(ErrorCode::usage, "--sinks {}: must be in [0, {}]; 4 is usual", settings.sinks, kMaxSinks);
  }
}

void apply(const ContextSettings& settings, ModelConfig& config, const std::string& source) {
  validate(settings);
  if (settings.rope_scaling) scale(*settings.rope_scaling, config, source);
  if (settings.window > 0) set_windows(settings, config);
  validate(config, source);
}

std::string describe_context(const ModelConfig& config) {
  std::set<std::string> kinds;
  for (const auto& [window, sinks] : config.windows) {
    const std::string with_sinks = sinks > 0 ? fmt::format(" and {} sinks", sinks) : "";
    kinds.insert(window == 0 ? "all positions"
                             : fmt::format("a window of {}{}", window, with_sinks));
  }
  if (kinds.empty()) kinds.insert("all positions");
  std::string text = fmt::format("{}", fmt::join(kinds, " or "));
  const RopeScaling& scaling = config.rope_scaling;
  switch (scaling.type) {
    case RopeScaling::Type::none: break;
    case RopeScaling::Type::linear: text += fmt::format(", linear x {}", scaling.factor); break;
    case RopeScaling::Type::llama3: text += fmt::format(", llama3 x {}", scaling.factor); break;
    case RopeScaling::Type::yarn:
      text += fmt::format(", yarn x {} of {}", scaling.factor, scaling.original_max_seq_len);
      break;
  }
  return text;
}

bool is_endless(const ModelConfig& config) {
  return !config.windows.empty() && std::ranges::all_of(config.windows, [&](const auto& layer) {
    return layer.window > 0 && layer.size() <= config.max_seq_len;
  });
}

}  // namespace tinyllm
