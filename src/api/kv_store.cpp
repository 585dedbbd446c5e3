#include "api/kv_store.h"

#include <charconv>
#include <limits>
#include <optional>
#include <string>

#include "base/error.h"

namespace tinyllm {
namespace {

std::optional<std::int64_t> parse_size(std::string_view text) {
  constexpr std::string_view kUnits = "KMGT";
  std::int64_t n = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, n);
  if (error != std::errc() || n < 0) return std::nullopt;
  if (at == end) return n;
  const std::size_t unit = kUnits.find(*at);
  if (at + 1 != end || unit == kUnits.npos) return std::nullopt;
  const int shift = 10 * static_cast<int>(unit + 1);
  if (n > std::numeric_limits<std::int64_t>::max() >> shift) return std::nullopt;
  return n << shift;
}

// What begins as a size was meant as one, and is no name of a folder: 20GB.
void refuse_failed_size(std::string_view text) {
  if (text.empty() || text[0] < '0' || text[0] > '9' || text.find('/') != text.npos) return;
  fail(ErrorCode::usage,
       "--kv-store: '{}' is no size: a number, and K, M, G or T, as in 500M or 20G", text);
}

}  // namespace

KvStoreSpec parse_kv_store(std::string_view text) {
  KvStoreSpec spec;
  const std::size_t colon = text.rfind(':');
  if (colon != text.npos) {
    if (const auto size = parse_size(text.substr(colon + 1))) {
      spec.max_bytes = *size;
      text = text.substr(0, colon);
    } else {
      refuse_failed_size(text.substr(colon + 1));
    }
  }
  if (text.empty()) fail(ErrorCode::usage, "--kv-store takes DIR or DIR:SIZE, as in ~/kv:20G");
  spec.folder = std::string(text);
  return spec;
}

}  // namespace tinyllm
