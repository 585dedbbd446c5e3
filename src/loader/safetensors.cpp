#include "loader/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "base/checked_math.h"
#include "base/json_parse.h"
#include "base/quote.h"
#include "loader/byte_reader.h"
#include "loader/safetensors_header.h"

namespace tinyllm {
namespace {

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr std::size_t kMaxHeaderDepth = 4;              // object, tensor, array, and one to spare

bool is_list_of_unsigned(const nlohmann::json& value) {
  return value.is_array() && std::all_of(value.begin(), value.end(), [](const auto& element) {
           return element.is_number_unsigned();
         });
}

// Whether the entry has the types that read_safetensors_header takes for granted.
void check_entry(const std::string& name, const nlohmann::json& entry, const std::string& source) {
  const auto require = [&](bool condition, const char* wanted) {
    if (condition) return;
    fail(ErrorCode::invalid_input, "{}: tensor {}: {}", source, quote(name), wanted);
  };
  require(entry.is_object(), "its header entry must be an object");
  const auto field = [&](const char* key) {
    return entry.contains(key) ? entry[key] : nlohmann::json();
  };
  require(field("dtype").is_string(), "dtype must be a string");
  require(is_list_of_unsigned(field("shape")), "shape must be a list of integers from 0 up");
  const nlohmann::json offsets = field("data_offsets");
  require(is_list_of_unsigned(offsets) && offsets.size() == 2,
          "data_offsets must be two integers from 0 up");
}

// The whole header before it is read for good: its length fits, its JSON has the known form.
void check_header(std::span<const std::byte> bytes, const std::string& source) {
  ByteReader reader(bytes, source);
  const auto header_bytes = reader.read<std::uint64_t>("the header length");
  if (header_bytes > kMaxHeaderBytes) {
    fail(ErrorCode::invalid_input,
         "{}: the header length is {}, must be at most {}; is this a safetensors file?", source,
         header_bytes, kMaxHeaderBytes);
  }
  const auto text = reader.take(header_bytes, "the header");
  const std::string_view header{reinterpret_cast<const char*>(text.data()), text.size()};
  const nlohmann::json json =
      parse_json(header, source, {.max_depth = kMaxHeaderDepth, .unique_keys = true});
  if (!json.is_object() || header.front() != '{') {
    fail(ErrorCode::invalid_input, "{}: the header must be a JSON object that begins with '{{'",
         source);
  }
  for (const auto& [name, entry] : json.items()) {
    if (name.empty()) fail(ErrorCode::invalid_input, "{}: a tensor has an empty name", source);
    if (name != "__metadata__") check_entry(name, entry, source);
  }
}

// The formats that safetensors knows.
struct Format {
  const char* name;
  std::uint64_t element_bits;
  std::optional<DType> dtype;  // empty: no weight is read in it
};
constexpr Format kFormats[] = {
    {"F32", 32, DType::f32}, {"F16", 16, DType::f16}, {"BF16", 16, DType::bf16},
    {"F64", 64, {}},         {"I64", 64, {}},         {"U64", 64, {}},
    {"I32", 32, {}},         {"U32", 32, {}},         {"I16", 16, {}},
    {"U16", 16, {}},         {"I8", 8, {}},           {"U8", 8, {}},
    {"BOOL", 8, {}},         {"F8_E4M3", 8, {}},      {"F8_E5M2", 8, {}},
    {"F8_E8M0", 8, {}},
};

const Format* find_format(const std::string& name) {
  const auto found = std::ranges::find(kFormats, name, &Format::name);
  return found == std::end(kFormats) ? nullptr : found;
}

// Why no Tensor can hold it; empty where one can.
std::string why_unread(const SafetensorsEntry& entry) {
  const Format* format = find_format(entry.dtype);
  if (format == nullptr || !format->dtype)
    return fmt::format("is {}, which is not supported; supported are F32, F16, BF16",
                       quote(entry.dtype));
  if (entry.shape.empty() || entry.shape.size() > Shape::kMaxDims)
    return fmt::format("has {} dimensions, must have 1 to {}", entry.shape.size(), Shape::kMaxDims);
  for (const std::uint64_t dim : entry.shape) {
    if (dim < 1 || !std::in_range<std::int64_t>(dim))
      return fmt::format("has a dimension of {}, must be in [1, {}]", dim,
                         std::numeric_limits<std::int64_t>::max());
  }
  return "";
}

Shape shape_of(const SafetensorsEntry& entry) {
  Shape shape;
  for (const std::uint64_t dim : entry.shape) shape.append(static_cast<std::int64_t>(dim));
  return shape;
}

// The bytes that dtype and shape ask for; of a format that nobody knows, those that it has.
std::uint64_t wanted_bytes(const SafetensorsEntry& entry, const std::string& source) {
  const Format* format = find_format(entry.dtype);
  if (format == nullptr) return entry.end >= entry.begin ? entry.end - entry.begin : 0;
  const std::string what = source + ": size of tensor " + quote(entry.name);
  std::uint64_t n_bytes = format->element_bits / 8;
  for (const std::uint64_t dim : entry.shape) n_bytes = checked_mul(n_bytes, dim, what.c_str());
  return n_bytes;
}

// In order of place, each tensor begins where the one before ended: no gap, no overlap.
void check_place(const SafetensorsEntry& entry, std::uint64_t previous_end, std::uint64_t n_bytes,
                 std::uint64_t n_data_bytes, const std::string& source) {
  if (entry.begin != previous_end) {
    fail(ErrorCode::invalid_input,
         "{}: tensor {} begins at byte {} of the data, must begin at {} where the one before ends",
         source, quote(entry.name), entry.begin, previous_end);
  }
  if (entry.end < entry.begin || entry.end - entry.begin != n_bytes) {
    fail(ErrorCode::invalid_input,
         "{}: tensor {} lies at bytes {} to {} of the data, its shape and dtype want {} bytes",
         source, quote(entry.name), entry.begin, entry.end, n_bytes);
  }
  if (entry.end > n_data_bytes) {
    fail(ErrorCode::invalid_input,
         "{}: tensor {} ends at byte {} of the data, the file has {}; it is truncated, fetch it "
         "again",
         source, quote(entry.name), entry.end, n_data_bytes);
  }
}

}  // namespace

SafetensorsContents parse_safetensors(std::span<const std::byte> bytes, const std::string& source) {
  check_header(bytes, source);
  SafetensorsHeader header = read_safetensors_header(bytes);
  std::sort(header.entries.begin(), header.entries.end(),
            [](const SafetensorsEntry& a, const SafetensorsEntry& b) { return a.begin < b.begin; });

  const std::span<const std::byte> data = bytes.subspan(header.data_begin);
  SafetensorsContents contents;
  std::uint64_t end = 0;
  for (const SafetensorsEntry& entry : header.entries) {
    const std::string reason = why_unread(entry);
    check_place(entry, end, wanted_bytes(entry, source), data.size(), source);
    if (reason.empty()) {
      contents.tensors.emplace(
          entry.name,
          Tensor{data.data() + entry.begin, *find_format(entry.dtype)->dtype, shape_of(entry)});
    } else {
      contents.unread.emplace(entry.name, reason);
    }
    end = entry.end;
  }
  if (end != data.size()) {
    fail(ErrorCode::invalid_input, "{}: the tensors end at byte {} of the data, the file has {}",
         source, end, data.size());
  }
  return contents;
}

}  // namespace tinyllm
