#include "loader/export/gguf_keys.h"

#include <utility>

#include "base/check.h"
#include "loader/export/append_bytes.h"

namespace tinyllm {
namespace {

template <typename Number>
std::string bytes_of(Number value) {
  std::string bytes;
  append_number(bytes, value);
  return bytes;
}

}  // namespace

void GgufKeys::add_string(std::string_view key, std::string_view value) {
  std::string payload;
  append_text(payload, value);
  add(key, GgufType::string, std::move(payload));
}

void GgufKeys::add_count(std::string_view key, std::int64_t value) {
  CHECK(std::in_range<std::uint32_t>(value), "{} is {}, must be in [0, 2^32)", key, value);
  add(key, GgufType::uint32, bytes_of(static_cast<std::uint32_t>(value)));
}

void GgufKeys::add_float(std::string_view key, double value) {
  add(key, GgufType::float32, bytes_of(static_cast<float>(value)));
}

void GgufKeys::add_bool(std::string_view key, bool value) {
  add(key, GgufType::boolean, bytes_of(static_cast<std::uint8_t>(value)));
}

void GgufKeys::add_strings(std::string_view key, std::span<const std::string> values) {
  std::string payload;
  for (const std::string& value : values) append_text(payload, value);
  add_array(key, GgufType::string, values.size(), std::move(payload));
}

void GgufKeys::add_integers(std::string_view key, std::span<const std::int32_t> values) {
  std::string payload;
  for (const std::int32_t value : values) append_number(payload, value);
  add_array(key, GgufType::int32, values.size(), std::move(payload));
}

void GgufKeys::add(std::string_view key, GgufType type, std::string payload) {
  const std::string& bytes = payloads_.emplace_back(std::move(payload));
  metadata_.add(key, {.type = type, .bytes = std::as_bytes(std::span(bytes))});
}

void GgufKeys::add_array(std::string_view key, GgufType type, std::uint64_t n_elems,
                         std::string payload) {
  const std::string& bytes = payloads_.emplace_back(std::move(payload));
  metadata_.add(key, {.type = type,
                      .is_array = true,
                      .n_elems = n_elems,
                      .bytes = std::as_bytes(std::span(bytes))});
}

}  // namespace tinyllm
