#include "client/chat_prompt.h"

#include <algorithm>
#include <optional>

#include "text/tokenizer.h"

namespace tinyllm {

std::vector<TokenId> encode_chat(const Tokenizer& tokenizer, const MarkedText& prompt,
                                 bool add_special_tokens) {
  EncodeOptions options;
  options.add_special = add_special_tokens;
  options.plain_ranges = prompt.user_ranges;
  return tokenizer.encode(prompt.text, options);
}

namespace {

// Where `core` stands last in what came from the conversation. What the template wrote may hold the
// same words.
std::optional<std::size_t> find_last_marked(const MarkedText& prompt, std::string_view core) {
  for (auto range = prompt.user_ranges.rbegin(); range != prompt.user_ranges.rend(); ++range) {
    const auto text = std::string_view(prompt.text).substr(range->begin, range->end - range->begin);
    if (const std::size_t found = text.rfind(core); found != text.npos) return range->begin + found;
  }
  return std::nullopt;
}

}  // namespace

bool open_last_message(MarkedText& prompt, std::string_view content) {
  constexpr std::string_view kBlanks = " \n\t\r";
  const std::size_t begin = content.find_first_not_of(kBlanks);
  if (begin == content.npos) return false;
  const std::size_t end = content.find_last_not_of(kBlanks) + 1;
  const std::string_view core = content.substr(begin, end - begin);
  const std::optional<std::size_t> found = find_last_marked(prompt, core);
  if (!found) return false;
  // Blanks behind the core are the client's if the template kept them.
  const std::string_view tail = content.substr(end);
  std::size_t cut = *found + core.size();
  if (prompt.text.compare(cut, tail.size(), tail) == 0) cut += tail.size();
  prompt.text.resize(cut);
  std::erase_if(prompt.user_ranges, [&](const TextRange& it) { return it.begin >= cut; });
  for (TextRange& range : prompt.user_ranges) range.end = std::min(range.end, cut);
  return true;
}

}  // namespace tinyllm
