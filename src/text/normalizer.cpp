#include "text/normalizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"

namespace tinyllm {
namespace {

constexpr int kForm = UTF8PROC_STABLE | UTF8PROC_COMPOSE;

bool is_ascii(char byte) { return static_cast<unsigned char>(byte) < 0x80; }

// The canonical decomposition, its marks not yet in order.
std::vector<utf8proc_int32_t> decompose(std::string_view text) {
  std::vector<utf8proc_int32_t> code_points;
  code_points.reserve(text.size());
  while (!text.empty()) {
    const Utf8Char c = decode_utf8(text);
    std::array<utf8proc_int32_t, 32> parts{};  // the longest canonical decomposition has 4
    const utf8proc_ssize_t n_parts =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c.code_point), parts.data(),
                                static_cast<utf8proc_ssize_t>(parts.size()),
                                static_cast<utf8proc_option_t>(kForm), nullptr);
    CHECK(n_parts > 0 && n_parts <= static_cast<utf8proc_ssize_t>(parts.size()),
          "U+{:04X} decomposes into {} parts", static_cast<std::uint32_t>(c.code_point), n_parts);
    code_points.insert(code_points.end(), parts.begin(), parts.begin() + n_parts);
    text.remove_prefix(c.n_bytes);
  }
  return code_points;
}

int combining_class(utf8proc_int32_t code_point) {
  return utf8proc_get_property(code_point)->combining_class;
}

// Sorts each run of marks by combining class. utf8proc would do it too, by swapping neighbours: a
// text of 1 MB of marks would take hours.
void order_marks(std::vector<utf8proc_int32_t>& code_points) {
  for (auto run = code_points.begin(); run != code_points.end();) {
    if (combining_class(*run) == 0) {
      ++run;
      continue;
    }
    const auto end = std::find_if(run, code_points.end(),
                                  [](utf8proc_int32_t c) { return combining_class(c) == 0; });
    std::stable_sort(run, end, [](utf8proc_int32_t a, utf8proc_int32_t b) {
      return combining_class(a) < combining_class(b);
    });
    run = end;
  }
}

std::vector<utf8proc_int32_t> nfd_of(std::string_view text) {
  std::vector<utf8proc_int32_t> code_points = decompose(text);
  order_marks(code_points);
  return code_points;
}

std::string nfc_of(std::string_view text) {
  std::vector<utf8proc_int32_t> code_points = nfd_of(text);
  const utf8proc_ssize_t n = utf8proc_normalize_utf32(
      code_points.data(), static_cast<utf8proc_ssize_t>(code_points.size()),
      static_cast<utf8proc_option_t>(kForm));
  CHECK(n >= 0, "utf8proc: {}", utf8proc_errmsg(n));
  std::string out;
  out.reserve(text.size());
  for (utf8proc_ssize_t i = 0; i < n; ++i) {
    append_utf8(out, static_cast<char32_t>(code_points[i]));
  }
  return out;
}

}  // namespace

RewrittenText normalize_nfc(std::string_view text) {
  // An ASCII character never joins what stands before it, so the text falls into parts that begin
  // with one: ASCII alone is copied, an ASCII character with a run of others behind it is composed.
  RewrittenText out;
  out.text.reserve(text.size());
  for (std::size_t begin = 0; begin < text.size();) {
    const std::string_view rest = text.substr(begin);
    const auto other = std::find_if_not(rest.begin(), rest.end(), is_ascii);
    std::size_t n_copied = static_cast<std::size_t>(other - rest.begin());
    if (other != rest.end() && n_copied > 0) --n_copied;
    out.append_copy(rest.substr(0, n_copied));
    begin += n_copied;
    if (other == rest.end()) break;
    const auto end = std::find_if(other, rest.end(), is_ascii);
    const std::string_view part =
        rest.substr(n_copied, static_cast<std::size_t>(end - rest.begin()) - n_copied);
    const std::string composed = nfc_of(part);
    if (composed == part) {
      out.append_copy(part);
    } else {
      out.append_changed(part.size(), composed);
    }
    begin += part.size();
  }
  return out;
}

std::string normalize_nfd(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const utf8proc_int32_t code_point : nfd_of(text))
    append_utf8(out, static_cast<char32_t>(code_point));
  return out;
}

}  // namespace tinyllm
