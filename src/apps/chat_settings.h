#pragma once
// The numbers of the sampler that `/set` of a talk changes. Any thread.

#include <span>
#include <string>
#include <string_view>

#include "api/sampling_params.h"

namespace tinyllm {

struct ChatSetting {
  std::string_view name;  // "temperature"
  void (*write)(SamplingParams& params, double value);
  double (*read)(const SamplingParams& params);
};

std::span<const ChatSetting> chat_settings();
// Dashes count as underscores. nullptr when there is none.
const ChatSetting* find_chat_setting(std::string name);

// "0.9", or "no limit" for the largest of max_tokens.
std::string shown(const ChatSetting& setting, const SamplingParams& params);

// "greedy", or "temperature 0.7, top_p 0.9".
std::string describe(const SamplingParams& params);

}  // namespace tinyllm
