#include "text/jinja/html.h"

#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "text/jinja/strings.h"

namespace tinyllm::jinja {
namespace {

// Without tags and comments; from one that has no end on all stays.
MarkedText without_tags(Runtime& runtime, const MarkedText& text) {
  TextBuilder out(runtime);
  const std::string& bytes = text.text;
  std::size_t done = 0;
  for (std::size_t start = 0; (start = bytes.find('<', done)) != std::string::npos;) {
    const bool is_comment = bytes.compare(start, 4, "<!--") == 0;
    std::size_t end = is_comment ? bytes.find("-->", start + 4) : bytes.find('>', start);
    if (end == std::string::npos) break;
    end += is_comment ? 3 : 1;
    out.append(text, done, start);
    done = end;
  }
  out.append(text, done, bytes.size());
  return out.take();
}

struct Entity {
  std::size_t n_bytes;
  char32_t code_point;
};

// What html.unescape makes of a number: some stand for other characters, others for none.
char32_t numbered(std::uint32_t number) {
  static constexpr std::array<char32_t, 32> kWindows1252 = {
      0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
      0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
      0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};
  if (number == 0 || number > 0x10FFFF || (number >= 0xD800 && number < 0xE000)) return 0xFFFD;
  if (number >= 0x80 && number < 0xA0) return kWindows1252[number - 0x80];
  return number;
}

std::optional<Entity> numbered_entity(std::string_view text) {
  const bool is_hex = text.size() > 2 && (text[2] | 0x20) == 'x';
  const char* begin = text.data() + (is_hex ? 3 : 2);
  const char* end = text.data() + text.size();
  std::uint32_t number = 0;
  const auto result = std::from_chars(begin, end, number, is_hex ? 16 : 10);
  if (result.ptr == begin) return std::nullopt;
  if (result.ec == std::errc::result_out_of_range) number = 0;
  const bool has_end = result.ptr != end && *result.ptr == ';';
  return Entity{static_cast<std::size_t>(result.ptr - text.data()) + (has_end ? 1 : 0),
                numbered(number)};
}

// `text` begins with &.
std::optional<Entity> entity_at(std::string_view text) {
  if (text.size() > 1 && text[1] == '#') return numbered_entity(text);
  static constexpr std::pair<std::string_view, char32_t> kNames[] = {
      {"&amp;", '&'},   {"&lt;", '<'},    {"&gt;", '>'},  {"&quot;", '"'},
      {"&apos;", '\''}, {"&nbsp;", 0xA0}, {"&amp", '&'},  {"&lt", '<'},
      {"&gt", '>'},     {"&quot", '"'},   {"&nbsp", 0xA0}};
  for (const auto& [name, code_point] : kNames) {
    if (text.starts_with(name)) return Entity{name.size(), code_point};
  }
  return std::nullopt;
}

// Python leaves nothing of numbers that are no characters of a page.
bool is_left_out(char32_t c) {
  return (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F ||
         (c >= 0xFDD0 && c <= 0xFDEF) || (c & 0xFFFE) == 0xFFFE;
}

MarkedText unescaped(Runtime& runtime, const MarkedText& text) {
  TextBuilder out(runtime);
  std::size_t begin = 0;
  for (std::size_t at = 0; (at = text.text.find('&', at)) != std::string::npos;) {
    const auto entity = entity_at(std::string_view(text.text).substr(at));
    if (!entity) {
      ++at;
      continue;
    }
    out.append(text, begin, at);
    std::string character;
    if (!is_left_out(entity->code_point)) append_utf8(character, entity->code_point);
    out.append(character, has_user_bytes(text, at, at + entity->n_bytes));
    begin = at += entity->n_bytes;
  }
  out.append(text, begin, text.text.size());
  return out.take();
}

}  // namespace

MarkedText strip_tags(Runtime& runtime, const MarkedText& text) {
  runtime.scan(text.text.size());
  const StringPayload plain{without_tags(runtime, text), false};
  const std::vector<Value> words = split(runtime, plain, nullptr, -1, Side::left);
  return unescaped(runtime, join(runtime, MarkedText{" ", {}}, words));
}

void append_url_quoted(TextBuilder& out, const MarkedText& text, bool is_query) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  for (std::size_t i = 0; i < text.text.size(); ++i) {
    const char c = text.text[i];
    const auto byte = static_cast<unsigned char>(c);
    const bool is_user = has_user_bytes(text, i, i + 1);
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-' || c == '~' ||
                          (c == '/' && !is_query);
    if (is_plain) {
      out.append({&c, 1}, is_user);
    } else if (c == ' ' && is_query) {
      out.append("+", is_user);
    } else {
      const char quoted[] = {'%', kHex[byte >> 4], kHex[byte & 15]};
      out.append({quoted, 3}, is_user);
    }
  }
}

}  // namespace tinyllm::jinja
