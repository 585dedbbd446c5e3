#pragma once
// The key/value part of a GGUF file. Values are views into the file's bytes, read on demand; every
// access checks the type first. Immutable after parsing: any thread may read.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tinyllm {

// Numbers as in the file (GGUF specification, "gguf_metadata_value_type").
enum class GgufType : std::uint32_t {
  uint8 = 0,
  int8 = 1,
  uint16 = 2,
  int16 = 3,
  uint32 = 4,
  int32 = 5,
  float32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  uint64 = 10,
  int64 = 11,
  float64 = 12,
};
inline constexpr std::uint32_t kNumGgufTypes = 13;

const char* name(GgufType type);
// Bytes of one value; 0 for string and array, whose size stands in the file.
std::uint64_t value_bytes(GgufType type);

struct GgufValue {
  GgufType type = GgufType::uint8;  // of the elements when is_array; never GgufType::array
  bool is_array = false;
  std::uint64_t n_elems = 1;         // 1 unless is_array
  std::span<const std::byte> bytes;  // the payload, whose lengths the parser has checked
};

class GgufMetadata {
 public:
  explicit GgufMetadata(std::string source = "") : source_(std::move(source)) {}

  // Throws Error{invalid_input} when the key is there already.
  void add(std::string_view key, const GgufValue& value);

  const std::string& source() const { return source_; }  // file name, for messages
  const std::map<std::string, GgufValue, std::less<>>& values() const { return values_; }
  bool contains(std::string_view key) const { return values_.contains(key); }

  // Empty when there is no such key. Throw Error{invalid_input}
  // that names the key, the found and the wanted type.
  std::optional<std::string_view> find_string(std::string_view key) const;
  std::optional<std::int64_t> find_integer(std::string_view key) const;  // any integer type
  std::optional<std::int64_t> find_count(std::string_view key) const;    // the same, >= 0
  // The same for the id of a token. Files say -1 for "there is none", in whatever integer type:
  // 4294967295 is one way to write it.
  std::optional<std::int64_t> find_token_id(std::string_view key) const;
  std::optional<double> find_float(std::string_view key) const;  // float32 or float64
  std::optional<bool> find_bool(std::string_view key) const;
  std::optional<std::vector<std::string_view>> find_strings(std::string_view key) const;
  std::optional<std::vector<std::int64_t>> find_integers(std::string_view key) const;
  std::optional<std::vector<bool>> find_flags(std::string_view key) const;  // or integers: not 0

  // As above; a missing key is an Error{invalid_input} too.
  std::string_view require_string(std::string_view key) const;
  std::int64_t require_count(std::string_view key) const;
  double require_float(std::string_view key) const;

 private:
  const GgufValue* find(std::string_view key) const;
  [[noreturn]] void fail_type(std::string_view key, const GgufValue& found,
                              const char* wanted) const;
  [[noreturn]] void fail_missing(std::string_view key) const;

  std::string source_;
  std::map<std::string, GgufValue, std::less<>> values_;
};

}  // namespace tinyllm
