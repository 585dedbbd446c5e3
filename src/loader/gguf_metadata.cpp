#include "loader/gguf_metadata.h"

#include <algorithm>
#include <array>

#include "base/quote.h"
#include "loader/byte_reader.h"

namespace tinyllm {
namespace {

struct TypeInfo {
  const char* name;
  std::uint64_t n_bytes;
};

constexpr std::array<TypeInfo, kNumGgufTypes> kTypes = {{
    {"uint8", 1},
    {"int8", 1},
    {"uint16", 2},
    {"int16", 2},
    {"uint32", 4},
    {"int32", 4},
    {"float32", 4},
    {"bool", 1},
    {"string", 0},
    {"array", 0},
    {"uint64", 8},
    {"int64", 8},
    {"float64", 8},
}};

// Empty when `type` is no integer type, or a uint64 above the range of int64.
std::optional<std::int64_t> read_integer(ByteReader& reader, GgufType type) {
  switch (type) {
    case GgufType::uint8: return reader.read<std::uint8_t>("value");
    case GgufType::int8: return reader.read<std::int8_t>("value");
    case GgufType::uint16: return reader.read<std::uint16_t>("value");
    case GgufType::int16: return reader.read<std::int16_t>("value");
    case GgufType::uint32: return reader.read<std::uint32_t>("value");
    case GgufType::int32: return reader.read<std::int32_t>("value");
    case GgufType::int64: return reader.read<std::int64_t>("value");
    case GgufType::uint64: {
      const auto value = reader.read<std::uint64_t>("value");
      if (!std::in_range<std::int64_t>(value)) return std::nullopt;
      return static_cast<std::int64_t>(value);
    }
    default: return std::nullopt;
  }
}

}  // namespace

const char* name(GgufType type) { return kTypes[static_cast<std::size_t>(type)].name; }
std::uint64_t value_bytes(GgufType type) { return kTypes[static_cast<std::size_t>(type)].n_bytes; }

void GgufMetadata::add(std::string_view key, const GgufValue& value) {
  if (!values_.emplace(key, value).second) {
    fail(ErrorCode::invalid_input, "{}: metadata key {} is there twice", source_, quote(key));
  }
}

std::optional<std::string_view> GgufMetadata::find_string(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_array || value->type != GgufType::string) fail_type(key, *value, "a string");
  return ByteReader(value->bytes, source_).read_string("value");
}

std::optional<std::int64_t> GgufMetadata::find_integer(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_array) fail_type(key, *value, "one integer");
  ByteReader reader(value->bytes, source_);
  const std::optional<std::int64_t> integer = read_integer(reader, value->type);
  if (!integer) fail_type(key, *value, "an integer of at most 63 bits");
  return integer;
}

std::optional<std::int64_t> GgufMetadata::find_count(std::string_view key) const {
  const std::optional<std::int64_t> count = find_integer(key);
  if (count && *count < 0) {
    fail(ErrorCode::invalid_input, "{}: metadata key {} is {}, must be 0 or more", source_,
         quote(key), *count);
  }
  return count;
}

std::optional<std::int64_t> GgufMetadata::find_token_id(std::string_view key) const {
  const GgufValue* value = find(key);
  const auto is_all_ones = [](std::byte byte) { return byte == std::byte{0xFF}; };
  if (value != nullptr && !value->is_array && value->bytes.size() >= 4 &&
      std::ranges::all_of(value->bytes, is_all_ones)) {
    return std::nullopt;
  }
  return find_count(key);
}

std::optional<double> GgufMetadata::find_float(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  ByteReader reader(value->bytes, source_);
  if (!value->is_array && value->type == GgufType::float32) return reader.read<float>("value");
  if (!value->is_array && value->type == GgufType::float64) return reader.read<double>("value");
  fail_type(key, *value, "a float");
}

std::optional<bool> GgufMetadata::find_bool(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_array || value->type != GgufType::boolean) fail_type(key, *value, "a bool");
  const auto byte = ByteReader(value->bytes, source_).read<std::uint8_t>("value");
  if (byte > 1) {
    fail(ErrorCode::invalid_input, "{}: metadata key {} is a bool of value {}, must be 0 or 1",
         source_, quote(key), byte);
  }
  return byte == 1;
}

std::optional<std::vector<std::string_view>> GgufMetadata::find_strings(
    std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_array || value->type != GgufType::string) {
    fail_type(key, *value, "an array of strings");
  }
  std::vector<std::string_view> strings;
  strings.reserve(value->n_elems);  // each has at least 8 bytes in the file: the parser checked
  ByteReader reader(value->bytes, source_);
  for (std::uint64_t i = 0; i < value->n_elems; ++i) strings.push_back(reader.read_string("value"));
  return strings;
}

std::optional<std::vector<std::int64_t>> GgufMetadata::find_integers(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_array) fail_type(key, *value, "an array of integers");
  std::vector<std::int64_t> integers;
  ByteReader reader(value->bytes, source_);
  for (std::uint64_t i = 0; i < value->n_elems; ++i) {
    const std::optional<std::int64_t> integer = read_integer(reader, value->type);
    if (!integer) fail_type(key, *value, "an array of integers");
    integers.push_back(*integer);
  }
  return integers;
}

std::optional<std::vector<bool>> GgufMetadata::find_flags(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  std::vector<bool> flags;
  if (value->is_array && value->type == GgufType::boolean) {
    for (const std::byte byte : value->bytes) flags.push_back(byte != std::byte{0});
  } else {
    const std::optional<std::vector<std::int64_t>> integers = find_integers(key);
    for (const std::int64_t integer : *integers) flags.push_back(integer != 0);
  }
  return flags;
}

std::string_view GgufMetadata::require_string(std::string_view key) const {
  const auto value = find_string(key);
  if (!value) fail_missing(key);
  return *value;
}

std::int64_t GgufMetadata::require_count(std::string_view key) const {
  const auto value = find_count(key);
  if (!value) fail_missing(key);
  return *value;
}

double GgufMetadata::require_float(std::string_view key) const {
  const auto value = find_float(key);
  if (!value) fail_missing(key);
  return *value;
}

const GgufValue* GgufMetadata::find(std::string_view key) const {
  const auto it = values_.find(key);
  return it == values_.end() ? nullptr : &it->second;
}

void GgufMetadata::fail_type(std::string_view key, const GgufValue& found,
                             const char* wanted) const {
  fail(ErrorCode::invalid_input, "{}: metadata key {} is {}{}, must be {}", source_, quote(key),
       found.is_array ? "an array of " : "", name(found.type), wanted);
}

void GgufMetadata::fail_missing(std::string_view key) const {
  fail(ErrorCode::invalid_input,
       "{}: metadata key {} is missing; the file is not a complete language model", source_,
       quote(key));
}

}  // namespace tinyllm
