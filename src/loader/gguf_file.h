#pragma once
// A GGUF model on disk, mapped: one file, or the parts NAME-00001-of-000NN.gguf of a split one.
// Owns the mappings. Move only; any thread may read.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/mapped_file.h"
#include "loader/gguf.h"

namespace tinyllm {

class GgufFile {
 public:
  // `path`: the file, or the first part of a split model; the others are found beside it.
  // Throws as parse_gguf; Error{not_found} names the part that is missing.
  explicit GgufFile(const std::filesystem::path& path);

  const GgufMetadata& metadata() const { return contents_.metadata; }  // of the first part
  const TensorMap& tensors() const { return contents_.tensors; }       // of all parts
  std::uint32_t version() const { return contents_.version; }
  std::int64_t file_bytes() const;  // all parts together
  std::int64_t n_files() const { return static_cast<std::int64_t>(files_.size()); }

 private:
  void add_parts(const std::filesystem::path& first_path, std::int64_t n_parts);

  std::vector<MappedFile> files_;
  GgufContents contents_;
};

}  // namespace tinyllm
