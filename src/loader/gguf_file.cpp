#include "loader/gguf_file.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/error.h"
#include "base/quote.h"

namespace tinyllm {
namespace {

// The metadata keys of split files (llama.cpp's gguf-split writes them into every part).
constexpr const char* kPartNumber = "split.no";  // from 0
constexpr const char* kPartCount = "split.count";
constexpr const char* kTotalTensors = "split.tensors.count";
constexpr std::int64_t kMaxParts = 99999;  // five digits in the name

std::string part_suffix(std::int64_t part, std::int64_t n_parts) {
  return fmt::format("-{:05}-of-{:05}.gguf", part + 1, n_parts);
}

}  // namespace

GgufFile::GgufFile(const std::filesystem::path& path) {
  files_.emplace_back(path);
  contents_ = parse_gguf(files_.front().bytes(), path.string());
  const std::int64_t n_parts = metadata().find_count(kPartCount).value_or(1);
  if (n_parts > 1) add_parts(path, n_parts);
}

std::int64_t GgufFile::file_bytes() const {
  std::int64_t n_bytes = 0;
  for (const MappedFile& file : files_) n_bytes += static_cast<std::int64_t>(file.bytes().size());
  return n_bytes;
}

void GgufFile::add_parts(const std::filesystem::path& first_path, std::int64_t n_parts) {
  const std::string source = first_path.string();
  if (n_parts > kMaxParts) {
    fail(ErrorCode::invalid_input, "{}: {} is {}, must be at most {}", source, kPartCount, n_parts,
         kMaxParts);
  }
  const std::int64_t number = metadata().require_count(kPartNumber);
  if (number != 0) {
    fail(ErrorCode::invalid_input,
         "{}: is part {} of {} of a split model; name the first part, which ends in {}", source,
         number + 1, n_parts, quote(part_suffix(0, n_parts)));
  }
  if (!source.ends_with(part_suffix(0, n_parts))) {
    fail(ErrorCode::invalid_input,
         "{}: is the first of {} parts, its name must end in {} so that the others can be found",
         source, n_parts, quote(part_suffix(0, n_parts)));
  }
  const std::string stem = source.substr(0, source.size() - part_suffix(0, n_parts).size());
  for (std::int64_t part = 1; part < n_parts; ++part) {
    files_.emplace_back(stem + part_suffix(part, n_parts));
    const std::string part_source = files_.back().path().string();
    GgufContents contents = parse_gguf(files_.back().bytes(), part_source);
    const std::int64_t found = contents.metadata.require_count(kPartNumber);
    if (found != part || contents.metadata.require_count(kPartCount) != n_parts) {
      fail(ErrorCode::invalid_input, "{}: {} is {}, must be {} of {}; it belongs to another model",
           part_source, kPartNumber, found, part, n_parts);
    }
    contents_.tensors.merge(contents.tensors);
    if (!contents.tensors.empty()) {
      fail(ErrorCode::invalid_input, "{}: tensor {} is in an earlier part too", part_source,
           quote(contents.tensors.begin()->first));
    }
  }
  const auto n_tensors = static_cast<std::int64_t>(contents_.tensors.size());
  const std::int64_t wanted = metadata().find_count(kTotalTensors).value_or(n_tensors);
  if (n_tensors != wanted) {
    fail(ErrorCode::invalid_input, "{}: the {} parts hold {} tensors, {} says {}", source, n_parts,
         n_tensors, kTotalTensors, wanted);
  }
}

}  // namespace tinyllm
