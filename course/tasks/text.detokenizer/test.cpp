// text.detokenizer: the recorded traces, and random bytes cut at random places.

#include "text/detokenizer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"
#include "learn/printable_bytes.h"
#include "learn/smallest_failing.h"
#include "lesson_test.h"
#include "text/tokenizer_spec.h"

namespace tinyllm::learn {
namespace {

constexpr const char* kSpecial = "<|im_end|>";

Tokenizer tokenizer_of(const std::vector<std::string>& tokens) {
  TokenizerSpec spec;
  spec.source = "a lesson";
  spec.tokens = tokens;
  spec.pretokenizer = *pretokenizer_stages("gpt2");
  const auto special = std::ranges::find(tokens, kSpecial);
  if (special != tokens.end()) {
    spec.added_tokens.push_back(
        {.id = static_cast<TokenId>(special - tokens.begin()), .text = kSpecial});
  }
  return Tokenizer(std::move(spec));
}

void run(const Case& given, Answers& answers) {
  const std::vector<std::string> tokens = given.lines("tokens");
  const Tokenizer tokenizer = tokenizer_of(tokens);
  Detokenizer detokenizer(tokenizer, given.integer("skip_special") != 0);
  for (const std::string& call : given.lines("calls")) {
    const std::string word = call.substr(std::min(call.size(), std::string_view("push ").size()));
    const auto id = static_cast<TokenId>(std::ranges::find(tokens, word) - tokens.begin());
    const std::string piece = call == "finish" ? detokenizer.finish() : detokenizer.push(id);
    answers.put_line("pieces", "\"" + piece + "\"");
  }
}

std::vector<std::string> all_bytes() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  return tokens;
}

// Whatever the bytes are: the pieces joined are the text that all of them make together.
std::string pieces_joined_are_the_whole_text() {
  const Tokenizer tokenizer = tokenizer_of(all_bytes());
  const auto joined = [&](const std::string& bytes) {
    Detokenizer detokenizer(tokenizer);
    std::string text;
    for (const char byte : bytes) text += detokenizer.push(static_cast<unsigned char>(byte));
    return text + detokenizer.finish();
  };
  std::uint64_t state = 7;
  const auto below = [&](std::uint64_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % n;
  };
  const std::vector<std::string> parts = {"a",    "\xC3\xBC", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                                          "\xFF", "\xE2\x82", "\xC3"};
  for (int round = 0; round < 100; ++round) {
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes += parts[below(parts.size())];
    const auto differs = [&](const std::vector<char>& some) {
      const std::string part(some.begin(), some.end());
      return joined(part) != replace_ill_formed(part);
    };
    if (!differs({bytes.begin(), bytes.end()})) continue;
    const auto some = smallest_failing(std::vector<char>(bytes.begin(), bytes.end()), differs);
    const std::string smallest(some.begin(), some.end());
    return fmt::format("the bytes {}, pushed one by one, give \"{}\", must give \"{}\"",
                       escaped_bytes(smallest), escaped_bytes(joined(smallest)),
                       replace_ill_formed(smallest));
  }
  return "";
}

std::string no_piece_is_half_a_character() {
  const Tokenizer tokenizer = tokenizer_of(all_bytes());
  Detokenizer detokenizer(tokenizer);
  for (const char byte : std::string("a\xE2\x82\xAC\xF0\x9F\x98\x80z")) {
    const std::string piece = detokenizer.push(static_cast<unsigned char>(byte));
    if (piece.find("\xEF\xBF\xBD") == piece.npos && is_valid_utf8(piece)) continue;
    return fmt::format("after the byte {} the piece is \"{}\"; half a character must wait",
                       escaped_bytes(std::string(1, byte)), escaped_bytes(piece));
  }
  return "";
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK,
          run,
          {{"no piece is half a character", no_piece_is_half_a_character},
           {"pieces joined are the whole text", pieces_joined_are_the_whole_text}}};
}

}  // namespace tinyllm::learn
