#include "apps/profile_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

struct KindName {
  StepProfile::Kind kind;
  std::string_view name;
};
constexpr KindName kKinds[] = {{StepProfile::Kind::prefill, "prefill"},
                               {StepProfile::Kind::decode, "decode"},
                               {StepProfile::Kind::decode_together, "decode together"}};

double rate(double amount, const StepProfile::Part& part) {
  return part.seconds > 0 ? amount / part.seconds / 1e9 : 0.0;
}

std::string cell(double value) { return value > 0 ? fmt::format("{:>9.1f}", value) : "        -"; }

std::string kind_table(std::string_view kind_name, const StepProfile::Sums& sums) {
  const auto n_steps = static_cast<double>(sums.n_steps);
  const double seconds = sums.seconds();
  std::string text =
      fmt::format("{}: {} step{} of {:.0f} token{}, {:.3f} ms a step\n", kind_name, sums.n_steps,
                  sums.n_steps == 1 ? "" : "s", static_cast<double>(sums.n_tokens) / n_steps,
                  sums.n_tokens == sums.n_steps ? "" : "s", 1e3 * seconds / n_steps);
  text += fmt::format("{:<12}{:>9}{:>9}{:>9}{:>9}\n", "", "ms", "share", "GB/s", "GOPS");
  for (std::size_t i = 0; i < kNumStepParts; ++i) {
    const StepProfile::Part& part = sums.parts[i];
    text += fmt::format("{:<12}{:>9.3f}{:>7.1f} %{}{}\n", name(static_cast<StepPart>(i)),
                        1e3 * part.seconds / n_steps, 100 * part.seconds / seconds,
                        cell(rate(part.bytes, part)), cell(rate(part.ops, part)));
  }
  return text;
}

// A character for each expert of a layer, as high as its share of the busiest one's tokens.
std::string expert_bars(const std::vector<std::int64_t>& n_tokens) {
  constexpr std::string_view kBars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const std::int64_t most = std::ranges::max(n_tokens);
  std::string text;
  for (const std::int64_t n : n_tokens) text += kBars[most == 0 ? 0 : (8 * n + most - 1) / most];
  return text;
}

std::string expert_table(const StepProfile& profile) {
  std::string text;
  for (std::size_t layer = 0; layer < profile.expert_tokens().size(); ++layer) {
    const std::vector<std::int64_t>& n_tokens = profile.expert_tokens()[layer];
    if (n_tokens.empty()) continue;
    if (text.empty()) text = "\nexperts of each layer: how many tokens met them\n";
    text += fmt::format("{:>5} |{}|\n", layer, expert_bars(n_tokens));
  }
  return text;
}

}  // namespace

std::string profile_table(const StepProfile& profile) {
  std::string text;
  for (const auto& [kind, kind_name] : kKinds) {
    if (profile.sums(kind).n_steps == 0) continue;
    text += "\n" + kind_table(kind_name, profile.sums(kind));
  }
  return text + expert_table(profile);
}

std::string profile_json(const StepProfile& profile) {
  json all = json::object();
  for (const auto& [kind, kind_name] : kKinds) {
    const StepProfile::Sums& sums = profile.sums(kind);
    if (sums.n_steps == 0) continue;
    const double seconds = sums.seconds();
    const double ms_a_step = 1e3 / static_cast<double>(sums.n_steps);
    json parts = json::object();
    for (std::size_t i = 0; i < kNumStepParts; ++i) {
      const StepProfile::Part& part = sums.parts[i];
      json& entry = parts[name(static_cast<StepPart>(i))];
      entry = {{"ms_a_step", part.seconds * ms_a_step}, {"share", part.seconds / seconds}};
      if (part.bytes > 0) entry["gb_s"] = rate(part.bytes, part);
      if (part.ops > 0) entry["gops"] = rate(part.ops, part);
    }
    all[kind_name] = {{"steps", sums.n_steps},
                      {"tokens", sums.n_tokens},
                      {"ms_a_step", seconds * ms_a_step},
                      {"parts", parts}};
  }
  if (!profile.expert_tokens().empty()) all["expert_tokens"] = profile.expert_tokens();
  return all.dump();
}

ProfileReport::~ProfileReport() {
  if (profile_ != nullptr) std::fputs(profile_table(*profile_).c_str(), stderr);
}

}  // namespace tinyllm
