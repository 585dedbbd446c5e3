#include "apps/chat_settings.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

namespace tinyllm {
namespace {

template <auto kMember>
constexpr ChatSetting setting(std::string_view name) {
  using Value = std::remove_cvref_t<decltype(SamplingParams{}.*kMember)>;
  return {name,
          [](SamplingParams& params, double value) { params.*kMember = static_cast<Value>(value); },
          [](const SamplingParams& params) { return static_cast<double>(params.*kMember); }};
}

constexpr std::array<ChatSetting, 9> kSettings = {
    setting<&SamplingParams::temperature>("temperature"),
    setting<&SamplingParams::top_k>("top_k"),
    setting<&SamplingParams::top_p>("top_p"),
    setting<&SamplingParams::min_p>("min_p"),
    setting<&SamplingParams::seed>("seed"),
    setting<&SamplingParams::max_tokens>("max_tokens"),
    setting<&SamplingParams::repetition_penalty>("repetition_penalty"),
    setting<&SamplingParams::presence_penalty>("presence_penalty"),
    setting<&SamplingParams::frequency_penalty>("frequency_penalty")};

}  // namespace

std::span<const ChatSetting> chat_settings() { return kSettings; }

const ChatSetting* find_chat_setting(std::string name) {
  std::ranges::replace(name, '-', '_');
  const auto found = std::ranges::find(kSettings, name, &ChatSetting::name);
  return found == kSettings.end() ? nullptr : &*found;
}

// A whole number in full, a fraction in the six digits that a float is sure of.
std::string shown(const ChatSetting& setting, const SamplingParams& params) {
  const double value = setting.read(params);
  if (value >= std::numeric_limits<int>::max()) return "no limit";
  if (value == std::floor(value)) return fmt::format("{:.0f}", value);
  return fmt::format("{:g}", value);
}

std::string describe(const SamplingParams& params) {
  if (params.temperature == 0) return "greedy";
  std::string text = fmt::format("temperature {:g}", params.temperature);
  if (params.top_k > 0) text += fmt::format(", top_k {}", params.top_k);
  if (params.top_p < 1) text += fmt::format(", top_p {:g}", params.top_p);
  if (params.min_p > 0) text += fmt::format(", min_p {:g}", params.min_p);
  if (params.repetition_penalty != 1) {
    text += fmt::format(", repetition_penalty {:g}", params.repetition_penalty);
  }
  return text;
}

}  // namespace tinyllm
