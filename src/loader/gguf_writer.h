#pragma once
// Writes a GGUF file, version 3: header, keys, tensor table, then the tensors' rows as they come.
// The file appears under its name when it is whole; before, and after an error, nothing is there.
// One thread.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "loader/gguf_metadata.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace tinyllm {

struct GgufTensorPlan {
  std::string name;
  DType dtype;
  Shape shape;  // outermost first
};

class GgufWriter {
 public:
  // `metadata` is copied as it is but for the keys of `numbers`, which replace it. Writes
  // everything before the data. Throws Error{io} that names the path and the system's reason.
  GgufWriter(const std::filesystem::path& path, const GgufMetadata& metadata,
             const std::map<std::string, std::uint32_t>& numbers,
             std::span<const GgufTensorPlan> tensors);
  ~GgufWriter();  // without finish(): removes what was written
  GgufWriter(const GgufWriter&) = delete;
  GgufWriter& operator=(const GgufWriter&) = delete;

  // The next bytes of the data, tensors in the order of the plan, each whole.
  void write(std::span<const std::byte> bytes);
  // After the last row: syncs and renames.
  void finish();

 private:
  void write_raw(const void* bytes, std::size_t n_bytes);
  void pad();
  [[noreturn]] void fail_io(int reason) const;

  std::filesystem::path path_;
  std::string temporary_;
  int fd_ = -1;
  std::uint64_t n_written_ = 0;
  std::vector<std::uint64_t> ends_;  // of each tensor's bytes, from the start of the data
  std::size_t next_tensor_ = 0;
  std::uint64_t data_begin_ = 0;
};

}  // namespace tinyllm
