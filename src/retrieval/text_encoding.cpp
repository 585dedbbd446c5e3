#include "retrieval/text_encoding.h"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <memory>

#include "base/error.h"
#include "base/utf8.h"

namespace tinyllm {
namespace {

struct ByteOrderMark {
  std::string_view bytes;
  const char* encoding;
};

// UTF-32 before UTF-16, whose mark begins as its own.
constexpr ByteOrderMark kMarks[] = {{{"\xEF\xBB\xBF", 3}, "UTF-8"},
                                    {{"\xFF\xFE\0\0", 4}, "UTF-32LE"},
                                    {{"\0\0\xFE\xFF", 4}, "UTF-32BE"},
                                    {{"\xFF\xFE", 2}, "UTF-16LE"},
                                    {{"\xFE\xFF", 2}, "UTF-16BE"}};

constexpr const char* kWestern = "WINDOWS-1252";

using Converter = std::unique_ptr<void, int (*)(iconv_t)>;

Converter open_converter(const std::string& encoding, const std::string& source) {
  const iconv_t opened = iconv_open("UTF-8", encoding.c_str());
  // NOLINTNEXTLINE: iconv's own way to say that it failed
  if (opened != reinterpret_cast<iconv_t>(-1)) return {opened, iconv_close};
  fail(ErrorCode::unsupported, "{}: says that it is in '{}', which this system cannot convert",
       source, encoding);
}

// Of the smallest unit of an encoding, after which its next character may begin.
std::size_t unit_bytes(const std::string& encoding) {
  if (encoding.starts_with("UTF-32")) return 4;
  return encoding.starts_with("UTF-16") ? 2 : 1;
}

std::string convert(std::string_view bytes, const std::string& encoding,
                    const std::string& source) {
  const Converter converter = open_converter(encoding, source);
  std::string text;
  std::array<char, 4096> piece;
  auto* from = const_cast<char*>(bytes.data());  // NOLINT: iconv reads it only
  std::size_t n_from = bytes.size();
  while (n_from > 0) {
    char* to = piece.data();
    std::size_t n_to = piece.size();
    const std::size_t result = iconv(converter.get(), &from, &n_from, &to, &n_to);
    const int error = result == static_cast<std::size_t>(-1) ? errno : 0;
    text.append(piece.data(), piece.size() - n_to);
    if (error == 0 || error == E2BIG) continue;
    append_utf8(text, kReplacementCharacter);
    // EINVAL: it ends in a character.
    const std::size_t n_skipped = error == EINVAL ? n_from : std::min(n_from, unit_bytes(encoding));
    from += n_skipped;
    n_from -= n_skipped;
  }
  return text;
}

bool is_damaged_utf8(std::string_view bytes) {
  std::size_t n_whole = 0, n_broken = 0;  // characters beyond ASCII
  while (!bytes.empty()) {
    const Utf8Char c = decode_utf8(bytes);
    bytes.remove_prefix(c.n_bytes);
    if (!c.well_formed)
      ++n_broken;
    else if (c.n_bytes > 1)
      ++n_whole;
  }
  return n_whole >= n_broken;
}

// In a language of the West few letters have accents; Cyrillic, Greek and East Asian text in 8 bits
// has hardly any others.
bool can_be_western(std::string_view bytes) {
  const auto n_letters =
      std::ranges::count_if(bytes, [](unsigned char c) { return std::isalpha(c) != 0; });
  const auto n_beyond = std::ranges::count_if(bytes, [](unsigned char c) { return c >= 0x80; });
  return n_beyond <= n_letters / 2 + 1;
}

// Of a text without a mark that is no UTF-8; "UTF-8": it is damaged.
std::string guess_encoding(std::string_view bytes, const std::string& source,
                           const std::string& declared) {
  // What pages call Latin-1 is Windows-1252 (WHATWG, Encoding, 4.2).
  if (declared == "ISO-8859-1" || declared == "LATIN1" || declared == "US-ASCII") return kWestern;
  // Read as single bytes, so it cannot be true.
  if (declared.starts_with("UTF-16") || declared.starts_with("UTF-32")) return kWestern;
  if (!declared.empty()) return declared;
  if (is_damaged_utf8(bytes)) return "UTF-8";
  if (can_be_western(bytes)) return kWestern;
  fail(ErrorCode::unsupported,
       "{}: is text in none of UTF-8, UTF-16 with a byte order mark and Windows-1252; "
       "iconv -f ENCODING -t UTF-8 makes a copy that can be read",
       source);
}

}  // namespace

std::string to_utf8(std::string_view bytes, const std::string& source,
                    const std::string& declared) {
  for (const ByteOrderMark& mark : kMarks) {
    if (!bytes.starts_with(mark.bytes)) continue;
    bytes.remove_prefix(mark.bytes.size());
    if (std::string_view(mark.encoding) != "UTF-8") return convert(bytes, mark.encoding, source);
    break;
  }
  if (bytes.find('\0') != bytes.npos)
    fail(ErrorCode::unsupported, "{}: is binary, or UTF-16 without a byte order mark", source);
  if (is_valid_utf8(bytes)) return std::string(bytes);
  const std::string encoding = guess_encoding(bytes, source, declared);
  return encoding == "UTF-8" ? replace_ill_formed(bytes) : convert(bytes, encoding, source);
}

std::string declared_encoding(std::string_view bytes) {
  std::string head(bytes.substr(0, 1024));
  std::ranges::transform(head, head.begin(), [](unsigned char c) { return std::toupper(c); });
  for (const std::string_view key : {"CHARSET=", "ENCODING="}) {
    std::size_t begin = head.find(key);
    if (begin == head.npos) continue;
    begin += key.size();
    if (begin < head.size() && (head[begin] == '"' || head[begin] == '\'')) ++begin;
    std::size_t end = begin;
    while (end < head.size() && (std::isalnum(static_cast<unsigned char>(head[end])) != 0 ||
                                 head[end] == '-' || head[end] == '_'))
      ++end;
    return head.substr(begin, end - begin);
  }
  return "";
}

}  // namespace tinyllm
