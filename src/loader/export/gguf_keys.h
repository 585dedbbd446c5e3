#pragma once
// GGUF metadata that is made here, not read from a file: owns the bytes that GgufMetadata looks at.
// Move only; what metadata() returns is valid only as long as this object lives. One thread.

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "loader/gguf_metadata.h"

namespace tinyllm {

class GgufKeys {
 public:
  // `source`: what the keys are made from, for messages.
  explicit GgufKeys(std::string source) : metadata_(std::move(source)) {}
  GgufKeys(GgufKeys&&) = default;
  GgufKeys& operator=(GgufKeys&&) = default;

  // A key is added once: a second time throws Error{invalid_input}.
  void add_string(std::string_view key, std::string_view value);
  void add_count(std::string_view key, std::int64_t value);  // as uint32; CHECKs the range
  void add_float(std::string_view key, double value);        // as float32
  void add_bool(std::string_view key, bool value);
  void add_strings(std::string_view key, std::span<const std::string> values);
  void add_integers(std::string_view key, std::span<const std::int32_t> values);

  const GgufMetadata& metadata() const { return metadata_; }

 private:
  void add(std::string_view key, GgufType type, std::string payload);
  void add_array(std::string_view key, GgufType type, std::uint64_t n_elems, std::string payload);

  std::deque<std::string> payloads_;  // a deque, so that their addresses stay the same
  GgufMetadata metadata_;
};

}  // namespace tinyllm
