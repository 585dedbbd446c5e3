#include "api/describe_gap.h"

#include <fmt/core.h>

namespace tinyllm {
namespace {

constexpr const char* kNotKnown =
    "it was never computed, is being computed only now, or its memory was needed since";

std::string describe_difference(const TextAccount& account, std::int32_t block_size,
                                std::string_view own_token) {
  const std::int64_t n_common = account.gap.n_common;
  std::string text =
      n_common == 0
          ? fmt::format("the nearest cached text differs in the first token, which is {} here",
                        own_token)
          : fmt::format(
                "the nearest cached text differs in token {}, counted from 0, which is {} here",
                n_common, own_token);
  if (n_common > account.n_cached) {
    text +=
        fmt::format("; blocks of {} tokens are shared whole, so {} equal ones were computed too",
                    block_size, n_common - account.n_cached);
  }
  return text;
}

}  // namespace

std::string describe_gap(const TextAccount& account, std::int32_t block_size,
                         std::string_view own_token) {
  const std::int64_t n_common = account.gap.n_common;
  switch (account.gap.why) {
    case PrefixGap::Why::not_looked:
      return "nothing was looked for: the prefix cache is off, or the prompt's own logprobs are "
             "wanted";
    case PrefixGap::Why::whole:
      if (n_common == 0)
        return fmt::format(
            "only whole blocks of {} tokens with a token behind them are looked for; "
            "this prompt has none",
            block_size);
      return fmt::format(
          "every whole block of {} tokens was found; what is behind them is computed", block_size);
    case PrefixGap::Why::differs: return describe_difference(account, block_size, own_token);
    case PrefixGap::Why::unknown:
      if (n_common == 0) return fmt::format("no cached text begins like this one: {}", kNotKnown);
      return fmt::format("no cached text goes on behind the first {} tokens: {}", n_common,
                         kNotKnown);
    case PrefixGap::Why::given_away: break;
  }
  return fmt::format(
      "the first {} tokens are known, but the memory of their last window was given to other texts",
      n_common);
}

}  // namespace tinyllm
