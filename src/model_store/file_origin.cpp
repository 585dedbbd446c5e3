#include "model_store/file_origin.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"

namespace tinyllm {
namespace fs = std::filesystem;

fs::path origin_path(const fs::path& file) { return file.string() + std::string(kOriginEnd); }

std::optional<FileOrigin> read_origin(const fs::path& file) {
  constexpr std::uint64_t kMaxBytes = 4096;
  try {
    const nlohmann::json record =
        nlohmann::json::parse(read_text_file(origin_path(file), kMaxBytes));
    FileOrigin origin;
    origin.source = record.at("source").get<std::string>();
    origin.revision = record.value("revision", "");
    const bool strong = record.contains("sha256");
    origin.digest.kind = strong ? DigestKind::sha256 : DigestKind::git_blob;
    origin.digest.hex = record.value(strong ? "sha256" : "git_blob", "");
    return origin;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
}

void write_origin(const fs::path& file, const FileOrigin& origin) {
  nlohmann::ordered_json record = {{"source", origin.source}};
  if (!origin.revision.empty()) record["revision"] = origin.revision;
  if (!origin.digest.hex.empty()) {
    const bool strong = origin.digest.kind == DigestKind::sha256;
    record[strong ? "sha256" : "git_blob"] = origin.digest.hex;
  }
  write_file_atomic(origin_path(file), record.dump() + "\n");
}

bool is_from(const fs::path& file, const FileOrigin& wanted,
             function_ref<void(std::uint64_t)> on_bytes) {
  const std::optional<FileOrigin> origin = read_origin(file);
  if (wanted.digest.hex.empty()) {
    constexpr std::size_t kCommit = 40;  // a branch says nothing: it moves
    return origin && origin->source == wanted.source && wanted.revision.size() == kCommit &&
           origin->revision == wanted.revision;
  }
  if (origin) return origin->digest == wanted.digest;
  if (file_digest(file, wanted.digest.kind, on_bytes) != wanted.digest.hex) return false;
  try {
    write_origin(file, wanted);
  } catch (const Error&) {
    // A folder that cannot be written: then the file is read again next time.
  }
  return true;
}

}  // namespace tinyllm
