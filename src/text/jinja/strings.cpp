#include "text/jinja/strings.h"

#include <algorithm>

#include "base/utf8.h"
#include "text/jinja/repr.h"
#include "text/jinja/unicode.h"

namespace tinyllm::jinja {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

char32_t char_at(std::string_view text, std::size_t offset) {
  return decode_utf8(text.substr(offset)).code_point;
}

std::size_t char_bytes(std::string_view text, std::size_t offset) {
  return decode_utf8(text.substr(offset)).n_bytes;
}

// The bytes that a strip leaves, [begin, end).
TextRange stripped_range(Runtime& runtime, std::string_view text, const StringPayload* chars,
                         Side side) {
  const auto strips = [&](std::size_t offset, std::size_t n_bytes) {
    if (chars == nullptr) return is_space(char_at(text, offset));
    if (chars->marked.text.size() > 64) runtime.scan(chars->marked.text.size());
    return chars->marked.text.find(text.substr(offset, n_bytes)) != kNone;
  };
  TextRange range{0, text.size()};
  while (side != Side::right && range.begin < range.end) {
    const std::size_t n_bytes = char_bytes(text, range.begin);
    if (!strips(range.begin, n_bytes)) break;
    range.begin += n_bytes;
  }
  while (side != Side::left && range.begin < range.end) {
    const std::size_t n_bytes = last_char_bytes(text, range.end);
    if (!strips(range.end - n_bytes, n_bytes)) break;
    range.end -= n_bytes;
  }
  return range;
}

// Calls visit(offset, n_bytes, code_point) for every character.
template <typename Visit>
void for_each_char(std::string_view text, Visit visit) {
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text.substr(i));
    visit(i, c.n_bytes, c.code_point);
    i += c.n_bytes;
  }
}

constexpr char32_t kCapitalSigma = 0x3A3;

// Whether the sigma at `at` ends a word of text[begin:]: small, it is then another letter. What is no
// letter with case but may stand in words ("'", accents) is looked over.
bool ends_word(std::string_view text, std::size_t begin, std::size_t at) {
  std::size_t before = at;
  while (before > begin) {
    const std::size_t n_bytes = last_char_bytes(text, before);
    if (!is_case_ignorable(char_at(text, before - n_bytes))) break;
    before -= n_bytes;
  }
  if (before <= begin || !is_cased(char_at(text, before - last_char_bytes(text, before)))) {
    return false;
  }
  std::size_t behind = at + char_bytes(text, at);
  while (behind < text.size() && is_case_ignorable(char_at(text, behind))) {
    behind += char_bytes(text, behind);
  }
  return behind >= text.size() || !is_cased(char_at(text, behind));
}

// Every character in the case that choose(code_point) wants. `word_begin`: where the text begins that
// Python would see whole, as choose moves it on.
template <typename Choose>
MarkedText map_case(Runtime& runtime, const MarkedText& text, Choose choose,
                    const std::size_t& word_begin = 0) {
  runtime.scan(text.text.size() * 8);
  TextBuilder out(runtime);
  for_each_char(text.text, [&](std::size_t offset, std::size_t n_bytes, char32_t c) {
    const bool is_user = has_user_bytes(text, offset, offset + n_bytes);
    const LetterCase to = choose(c);
    if (c == kCapitalSigma && to == LetterCase::lower && ends_word(text.text, word_begin, offset)) {
      out.append("\u03C2", is_user);
    } else {
      out.append(change_case(c, to), is_user);
    }
  });
  return out.take();
}

std::vector<TextRange> split_at_spaces(std::string_view text, std::int64_t max_splits) {
  std::vector<TextRange> parts;
  std::size_t begin = count_leading_spaces(text);
  while (begin < text.size()) {
    if (max_splits >= 0 && static_cast<std::int64_t>(parts.size()) >= max_splits) {
      parts.push_back({begin, text.size()});
      break;
    }
    std::size_t end = begin;
    while (end < text.size() && !is_space(char_at(text, end))) end += char_bytes(text, end);
    parts.push_back({begin, end});
    begin = end + count_leading_spaces(text.substr(end));
  }
  return parts;
}

std::vector<TextRange> split_at_spaces_from_right(std::string_view text, std::int64_t max_splits) {
  std::vector<TextRange> parts;  // last first
  std::size_t end = text.size() - count_trailing_spaces(text);
  while (end > 0) {
    if (max_splits >= 0 && static_cast<std::int64_t>(parts.size()) >= max_splits) {
      parts.push_back({0, end});
      break;
    }
    std::size_t begin = end;
    while (begin > 0) {
      const std::size_t n_bytes = last_char_bytes(text, begin);
      if (is_space(char_at(text, begin - n_bytes))) break;
      begin -= n_bytes;
    }
    parts.push_back({begin, end});
    end = begin - count_trailing_spaces(text.substr(0, begin));
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<TextRange> split_at_text(std::string_view text, std::string_view separator,
                                     std::int64_t max_splits) {
  std::vector<TextRange> parts;
  std::size_t begin = 0;
  while (max_splits < 0 || static_cast<std::int64_t>(parts.size()) < max_splits) {
    const std::size_t at = find_text(text, separator, begin);
    if (at == kNone) break;
    parts.push_back({begin, at});
    begin = at + separator.size();
  }
  parts.push_back({begin, text.size()});
  return parts;
}

// Byte offsets of the separators that a search from the right takes, first one first.
std::vector<TextRange> split_at_text_from_right(std::string_view text, std::string_view separator,
                                                std::int64_t max_splits) {
  std::vector<TextRange> parts;  // last first
  std::size_t end = text.size();
  while (max_splits < 0 || static_cast<std::int64_t>(parts.size()) < max_splits) {
    const std::size_t at =
        end < separator.size() ? kNone : text.rfind(separator, end - separator.size());
    if (at == kNone) break;
    parts.push_back({at + separator.size(), end});
    end = at;
  }
  parts.push_back({0, end});
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<Value> parts_of(Runtime& runtime, const StringPayload& text,
                            const std::vector<TextRange>& ranges) {
  std::vector<Value> parts;
  runtime.step(ranges.size());
  for (const TextRange& range : ranges) {
    parts.push_back(part_of(runtime, text, range.begin, range.end));
  }
  return parts;
}

}  // namespace

Value part_of(Runtime& runtime, const StringPayload& text, std::size_t begin, std::size_t end) {
  TextBuilder out(runtime);
  out.append(text.marked, begin, end);
  return runtime.string(out.take(), text.is_markup);
}

Value strip(Runtime& runtime, const StringPayload& text, const StringPayload* chars, Side side) {
  runtime.scan(text.marked.text.size());
  const TextRange range = stripped_range(runtime, text.marked.text, chars, side);
  return part_of(runtime, text, range.begin, range.end);
}

std::vector<Value> split(Runtime& runtime, const StringPayload& text,
                         const StringPayload* separator, std::int64_t max_splits, Side from) {
  const std::string& bytes = text.marked.text;
  runtime.scan(bytes.size());
  if (separator == nullptr) {
    return parts_of(runtime, text,
                    from == Side::left ? split_at_spaces(bytes, max_splits)
                                       : split_at_spaces_from_right(bytes, max_splits));
  }
  const std::string& at = separator->marked.text;
  if (at.empty()) runtime.fail("split: the separator is empty");
  // rfind compares at every position: as many bytes as the product of both lengths.
  if (from == Side::right) runtime.scan(bytes.size() * at.size());
  return parts_of(runtime, text,
                  from == Side::left ? split_at_text(bytes, at, max_splits)
                                     : split_at_text_from_right(bytes, at, max_splits));
}

std::vector<Value> split_lines(Runtime& runtime, const StringPayload& text, bool keep_ends) {
  const std::string& bytes = text.marked.text;
  runtime.scan(bytes.size());
  const auto is_break = [](char32_t c) {
    return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
           c == 0x2029;
  };
  std::vector<TextRange> lines;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < bytes.size();) {
    const Utf8Char c = decode_utf8(std::string_view(bytes).substr(i));
    std::size_t end = i + c.n_bytes;
    if (is_break(c.code_point)) {
      if (c.code_point == '\r' && end < bytes.size() && bytes[end] == '\n') ++end;
      lines.push_back({begin, keep_ends ? end : i});
      begin = end;
    }
    i = end;
  }
  if (begin < bytes.size()) lines.push_back({begin, bytes.size()});
  return parts_of(runtime, text, lines);
}

Value partition(Runtime& runtime, const StringPayload& text, const StringPayload& separator,
                Side from) {
  const std::string& bytes = text.marked.text;
  const std::string& at = separator.marked.text;
  if (at.empty()) runtime.fail("partition: the separator is empty");
  runtime.scan(from == Side::left ? bytes.size() : bytes.size() * at.size());
  const std::size_t found = from == Side::left ? find_text(bytes, at, 0) : bytes.rfind(at);
  const Value whole = part_of(runtime, text, 0, bytes.size());
  if (found == kNone) {
    const Value empty = runtime.text("");
    return runtime.tuple(from == Side::left ? std::vector<Value>{whole, empty, empty}
                                            : std::vector<Value>{empty, empty, whole});
  }
  return runtime.tuple({part_of(runtime, text, 0, found), part_of(runtime, separator, 0, at.size()),
                        part_of(runtime, text, found + at.size(), bytes.size())});
}

MarkedText replace(Runtime& runtime, const MarkedText& text, const MarkedText& old_text,
                   const MarkedText& new_text, std::int64_t max_count) {
  const std::string& bytes = text.text;
  runtime.scan(bytes.size());
  TextBuilder out(runtime);
  std::size_t begin = 0;
  std::int64_t n_done = 0;
  if (old_text.text.empty()) {  // before every character and at the end
    for (; max_count < 0 || n_done < max_count; ++n_done) {
      out.append(new_text);
      if (begin == bytes.size()) break;
      const std::size_t n_bytes = char_bytes(bytes, begin);
      out.append(text, begin, begin + n_bytes);
      begin += n_bytes;
    }
    out.append(text, begin, bytes.size());
    return out.take();
  }
  for (; max_count < 0 || n_done < max_count; ++n_done) {
    const std::size_t at = find_text(bytes, old_text.text, begin);
    if (at == kNone) break;
    out.append(text, begin, at);
    out.append(new_text);
    begin = at + old_text.text.size();
  }
  out.append(text, begin, bytes.size());
  runtime.step(static_cast<std::uint64_t>(n_done));
  return out.take();
}

std::int64_t count_text(Runtime& runtime, std::string_view text, std::string_view part) {
  runtime.scan(text.size());
  if (part.empty()) return static_cast<std::int64_t>(count_chars(text)) + 1;
  std::int64_t n_found = 0;
  for (std::size_t at = 0; (at = find_text(text, part, at)) != kNone; at += part.size()) ++n_found;
  return n_found;
}

std::int64_t count_words(std::string_view text) {
  std::int64_t n_words = 0;
  bool in_word = false;
  for_each_char(text, [&](std::size_t, std::size_t, char32_t c) {
    const bool is_word = c == '_' || is_alphanumeric(c);
    if (is_word && !in_word) ++n_words;
    in_word = is_word;
  });
  return n_words;
}

MarkedText join(Runtime& runtime, const MarkedText& separator, const std::vector<Value>& items) {
  TextBuilder out(runtime);
  runtime.step(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out.append(separator);
    append_str(out, runtime, items[i]);
  }
  return out.take();
}

MarkedText to_upper(Runtime& runtime, const MarkedText& text) {
  return map_case(runtime, text, [](char32_t) { return LetterCase::upper; });
}

MarkedText to_lower(Runtime& runtime, const MarkedText& text) {
  return map_case(runtime, text, [](char32_t) { return LetterCase::lower; });
}

MarkedText swap_case(Runtime& runtime, const MarkedText& text) {
  return map_case(runtime, text, [](char32_t c) {
    return is_upper(c)   ? LetterCase::lower
           : is_lower(c) ? LetterCase::upper
                         : LetterCase::unchanged;
  });
}

MarkedText capitalize(Runtime& runtime, const MarkedText& text) {
  bool is_first = true;
  return map_case(runtime, text, [&](char32_t) {
    return std::exchange(is_first, false) ? LetterCase::title : LetterCase::lower;
  });
}

MarkedText title_method(Runtime& runtime, const MarkedText& text) {
  bool is_behind_letter = false;
  return map_case(runtime, text, [&](char32_t c) {
    return std::exchange(is_behind_letter, is_cased(c)) ? LetterCase::lower : LetterCase::title;
  });
}

MarkedText title_filter(Runtime& runtime, const MarkedText& text) {
  bool starts_word = true;
  std::size_t done = 0, word_begin = 0;  // each word's rest is made small for itself
  const auto choose = [&](char32_t c) {
    const bool is_break =
        is_space(c) || (c < 0x80 && std::string_view("-({[<").find(static_cast<char>(c)) != kNone);
    done += char_bytes(text.text, done);
    if (!std::exchange(starts_word, is_break)) return LetterCase::lower;
    word_begin = done;
    return LetterCase::upper;
  };
  return map_case(runtime, text, choose, word_begin);
}

bool all_cased(Runtime& runtime, std::string_view text, bool (*is_wanted)(char32_t)) {
  runtime.scan(text.size());
  bool has_case = false, all = true;
  for_each_char(text, [&](std::size_t, std::size_t, char32_t c) {
    if (!is_cased(c)) return;
    has_case = true;
    all = all && is_wanted(c);
  });
  return has_case && all;
}

Value pad(Runtime& runtime, const StringPayload& text, std::int64_t width, std::string_view fill,
          Side side) {
  const auto n_chars = static_cast<std::int64_t>(count_chars(text.marked.text));
  if (count_chars(fill) != 1) runtime.fail("the fill character must be one character");
  runtime.check_string_bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(width, 0)));
  const std::int64_t n_fill = std::max<std::int64_t>(width - n_chars, 0);
  // str.center puts the odd one to the left when the width is odd.
  const std::int64_t n_left = side == Side::left    ? n_fill
                              : side == Side::right ? 0
                                                    : n_fill / 2 + (n_fill & width & 1);
  TextBuilder out(runtime);
  for (std::int64_t i = 0; i < n_left; ++i) out.append_template(fill);
  out.append(text.marked);
  for (std::int64_t i = n_left; i < n_fill; ++i) out.append_template(fill);
  return runtime.string(out.take(), text.is_markup);
}

Value zero_fill(Runtime& runtime, const StringPayload& text, std::int64_t width) {
  const MarkedText& marked = text.marked;
  runtime.check_string_bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(width, 0)));
  const auto n_chars = static_cast<std::int64_t>(count_chars(marked.text));
  const bool has_sign = marked.text.starts_with('+') || marked.text.starts_with('-');
  TextBuilder out(runtime);
  out.append(marked, 0, has_sign ? 1 : 0);
  for (std::int64_t i = n_chars; i < width; ++i) out.append_template("0");
  out.append(marked, has_sign ? 1 : 0, marked.text.size());
  return runtime.string(out.take(), text.is_markup);
}

}  // namespace tinyllm::jinja
