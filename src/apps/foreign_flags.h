#pragma once
// The flags that people bring along from llama.cpp, ollama and vLLM. Constant tables. Any thread.

#include <string_view>

namespace tinyllm {

// One that has the meaning of ours.
struct FlagAlias {
  std::string_view foreign;
  std::string_view own;
};

// One that has no counterpart: what to do instead.
struct FlagHint {
  std::string_view foreign;
  std::string_view hint;
};

// nullptr when there is none. "-ngl" and its like are names too.
const FlagAlias* find_flag_alias(std::string_view name);
const FlagHint* find_flag_hint(std::string_view name);

}  // namespace tinyllm
