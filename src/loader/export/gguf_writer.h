#pragma once
// Writes a GGUF file, version 3: header, keys, tensor table, then the tensors' rows as they come.
// The file appears under its name when it is whole (base/atomic_file.h). One thread.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"
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

  // The next bytes of the data, tensors in the order of the plan, each whole.
  void write(std::span<const std::byte> bytes);
  // After the last row. Without it no file is left behind.
  void finish();

 private:
  void append(std::string_view bytes);
  void pad();

  AtomicFile file_;
  std::uint64_t n_written_ = 0;
  std::vector<std::uint64_t> ends_;  // of each tensor's bytes, from the start of the data
  std::size_t next_tensor_ = 0;
  std::uint64_t data_begin_ = 0;
};

}  // namespace tinyllm
