#include "grammar/char_encoder.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/function_ref.h"
#include "base/utf8.h"

namespace tinyllm {
namespace {

// Sequences of digits from `low` to `high`, of equal length, in lexicographic order; every digit
// but the first lies in [min, max]. `digits(a, b)` matches one digit of [a, b].
ExprId between(ExprPool& pool, const std::vector<int>& low, const std::vector<int>& high,
               std::size_t at, int min, int max, function_ref<ExprId(int, int)> digits) {
  if (at + 1 == low.size()) return digits(low[at], high[at]);
  if (low[at] == high[at]) {
    return pool.concat(digits(low[at], low[at]),
                       between(pool, low, high, at + 1, min, max, digits));
  }
  const std::vector<int> lowest(low.size(), min), highest(low.size(), max);
  const bool low_is_full =
      std::all_of(low.begin() + at + 1, low.end(), [min](int digit) { return digit == min; });
  const bool high_is_full =
      std::all_of(high.begin() + at + 1, high.end(), [max](int digit) { return digit == max; });
  std::vector<ExprId> parts;
  if (!low_is_full) {
    parts.push_back(pool.concat(digits(low[at], low[at]),
                                between(pool, low, highest, at + 1, min, max, digits)));
  }
  const int first = low[at] + (low_is_full ? 0 : 1), last = high[at] - (high_is_full ? 0 : 1);
  if (first <= last) {
    parts.push_back(
        pool.concat(digits(first, last), between(pool, lowest, highest, at + 1, min, max, digits)));
  }
  if (!high_is_full) {
    parts.push_back(pool.concat(digits(high[at], high[at]),
                                between(pool, lowest, high, at + 1, min, max, digits)));
  }
  return pool.any_of(parts);
}

std::vector<int> utf8_bytes(char32_t c) {
  std::string bytes;
  append_utf8(bytes, c);
  std::vector<int> result;
  for (const char byte : bytes) result.push_back(static_cast<unsigned char>(byte));
  return result;
}

std::vector<int> hex_digits(char32_t c) {
  return {static_cast<int>(c >> 12 & 15), static_cast<int>(c >> 8 & 15),
          static_cast<int>(c >> 4 & 15), static_cast<int>(c & 15)};
}

ExprId hex_digit_range(ExprPool& pool, int first, int last) {
  ByteSet set;
  for (int digit = first; digit <= last; ++digit) {
    set.insert(static_cast<std::uint8_t>("0123456789abcdef"[digit]));
    set.insert(static_cast<std::uint8_t>("0123456789ABCDEF"[digit]));
  }
  return pool.bytes(set);
}

// The part of [first, last] that lies in [low, high]; first > last when there is none.
std::pair<char32_t, char32_t> overlap(const CodePointRange& range, char32_t low, char32_t high) {
  return {std::max(range.first, low), std::min(range.last, high)};
}

// Code points by how UTF-8 writes them; the surrogates between are left out.
constexpr std::pair<char32_t, char32_t> kLengths[] = {
    {0, 0x7F}, {0x80, 0x7FF}, {0x800, 0xD7FF}, {0xE000, 0xFFFF}, {0x10000, kLastCodePoint}};

// What may be written as \uXXXX: all that some program escapes. A letter is written as itself, or a
// model that is held to a name might spell it in figures.
CodePointSet escapable() {
  CodePointSet set(0, 0x1F);
  set.add(0x7F, kLastCodePoint);
  for (const char c : {'"', '\\', '/', '<', '>', '&', '\''})
    set.add(static_cast<char32_t>(c), static_cast<char32_t>(c));
  return set;
}

}  // namespace

ExprId CharEncoder::utf8(const CodePointSet& set) {
  const auto digits = [this](int first, int last) {
    return pool_.bytes(ByteSet::range(first, last));
  };
  std::vector<ExprId> parts;
  for (const CodePointRange& range : set.ranges()) {
    for (const auto& [low, high] : kLengths) {
      const auto [first, last] = overlap(range, low, high);
      if (first > last) continue;
      parts.push_back(between(pool_, utf8_bytes(first), utf8_bytes(last), 0, 0x80, 0xBF, digits));
    }
  }
  return pool_.any_of(parts);
}

ExprId CharEncoder::hex_escape(char32_t first, char32_t last) {
  const auto digits = [this](int a, int b) { return hex_digit_range(pool_, a, b); };
  return pool_.concat(pool_.text("\\u"),
                      between(pool_, hex_digits(first), hex_digits(last), 0, 0, 15, digits));
}

// Code points over 0xFFFF as two escapes.
ExprId CharEncoder::surrogate_pairs(char32_t first, char32_t last) {
  const auto pair = [this](char32_t high_first, char32_t high_last, char32_t low_first,
                           char32_t low_last) {
    return pool_.concat(hex_escape(0xD800 + high_first, 0xD800 + high_last),
                        hex_escape(0xDC00 + low_first, 0xDC00 + low_last));
  };
  char32_t low = first - 0x10000, high = last - 0x10000;
  if (low >> 10 == high >> 10) return pair(low >> 10, low >> 10, low & 0x3FF, high & 0x3FF);
  std::vector<ExprId> parts;
  if ((low & 0x3FF) != 0) {
    parts.push_back(pair(low >> 10, low >> 10, low & 0x3FF, 0x3FF));
    low = (low | 0x3FF) + 1;
  }
  if ((high & 0x3FF) != 0x3FF) {
    parts.push_back(pair(high >> 10, high >> 10, 0, high & 0x3FF));
    high = (high & ~char32_t{0x3FF}) - 1;
  }
  if (low < high) parts.push_back(pair(low >> 10, high >> 10, 0, 0x3FF));
  return pool_.any_of(parts);
}

// What stands behind a backslash, with it.
ExprId CharEncoder::escaped(const CodePointSet& set) {
  ByteSet letters;
  for (const auto& [c, letter] : {std::pair{'"', '"'},
                                  {'\\', '\\'},
                                  {'/', '/'},
                                  {'\b', 'b'},
                                  {'\f', 'f'},
                                  {'\n', 'n'},
                                  {'\r', 'r'},
                                  {'\t', 't'}}) {
    if (set.contains(static_cast<char32_t>(c))) letters.insert(static_cast<std::uint8_t>(letter));
  }
  std::vector<ExprId> parts = {pool_.concat(pool_.byte('\\'), pool_.bytes(letters))};
  const CodePointSet in_figures = set.intersected(escapable());
  for (const CodePointRange& range : in_figures.ranges()) {
    for (const auto& [low, high] : {std::pair<char32_t, char32_t>{0, 0xD7FF}, {0xE000, 0xFFFF}}) {
      const auto [first, last] = overlap(range, low, high);
      if (first <= last) parts.push_back(hex_escape(first, last));
    }
    const auto [first, last] = overlap(range, 0x10000, kLastCodePoint);
    if (first <= last) parts.push_back(surrogate_pairs(first, last));
  }
  return pool_.any_of(parts);
}

ExprId CharEncoder::one_of(const CodePointSet& set) {
  const auto [found, is_new] = known_.try_emplace(set.ranges(), kNothing);
  if (is_new) found->second = encode(set);
  return found->second;
}

ExprId CharEncoder::encode(const CodePointSet& set) {
  if (form_ == TextForm::plain) return utf8(set);
  CodePointSet never_raw(0, 0x1F);
  never_raw.add('"', '"');
  never_raw.add('\\', '\\');
  return pool_.any_of({utf8(set.intersected(never_raw.inverted())), escaped(set)});
}

ExprId CharEncoder::text(std::string_view text) {
  std::vector<ExprId> parts;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char c = decode_utf8(text.substr(at));
    parts.push_back(one_of({c.code_point, c.code_point}));
    at += c.n_bytes;
  }
  ExprId result = kEmptyText;
  for (std::size_t i = parts.size(); i-- > 0;) result = pool_.concat(parts[i], result);
  return result;
}

}  // namespace tinyllm
