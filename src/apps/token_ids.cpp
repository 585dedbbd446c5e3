#include "apps/token_ids.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"

namespace tinyllm {

std::vector<std::int32_t> parse_token_ids(std::string_view text, const std::string& source,
                                          std::int64_t vocab_size) {
  constexpr std::string_view kSeparators = " \t\r\n,";
  constexpr std::string_view kSpaces = " \t\r\n";
  // A JSON array is the same list between brackets.
  const std::size_t first = std::min(text.find_first_not_of(kSpaces), text.size());
  text.remove_prefix(first);
  text = text.substr(0, text.find_last_not_of(kSpaces) + 1);
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);

  std::vector<std::int32_t> ids;
  while (true) {
    const std::size_t begin = text.find_first_not_of(kSeparators);
    if (begin == std::string_view::npos) break;
    text.remove_prefix(begin);
    const std::string_view word = text.substr(0, text.find_first_of(kSeparators));
    std::int32_t id = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (error != std::errc() || end != word.data() + word.size() || id < 0 || id >= vocab_size) {
      fail(ErrorCode::invalid_input, "{}: '{}' is not a token id; it must be in [0, {})", source,
           word.substr(0, 40), vocab_size);
    }
    ids.push_back(id);
    text.remove_prefix(word.size());
  }
  return ids;
}

std::string format_token_ids(std::span<const std::int32_t> ids) {
  return fmt::format("{}", fmt::join(ids, " "));
}

}  // namespace tinyllm
