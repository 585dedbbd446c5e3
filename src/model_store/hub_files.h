#pragma once
// Which files of a Hugging Face repository make a model that we can run, and whether their names
// may be trusted. Pure functions on what the hub's API answers. Any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tinyllm {

// "ORG/REPO", "ORG/REPO:CHOICE", each with "@REVISION" behind it or not. A choice is a file or a
// quantisation, a revision a commit, branch or tag.
struct HubReference {
  std::string repo;      // "ORG/REPO"
  std::string choice;    // may be empty
  std::string revision;  // may be empty: what "main" is
};
// Empty when the text is no such reference (each name:
// letters, digits, '-', '_', '.', not first a dot).
std::optional<HubReference> parse_hub_reference(std::string_view text);

struct HubFile {
  std::string path;                    // within the repository
  std::optional<std::uint64_t> bytes;  // empty: the hub does not say
  std::string sha256;                  // of large files; empty for others
  std::string git_blob;                // SHA-1 of the git blob; of small files
};

struct HubListing {
  std::string revision;  // the commit that "main" is now, or "main"
  std::vector<HubFile> files;
};

// Reads the answer of /api/models/ORG/REPO?blobs=true. Throws Error{invalid_input}.
HubListing parse_hub_listing(const std::string& repo, const std::string& json);

// What to fetch: one GGUF file (all pieces of a split one), or a safetensors model with its
// configuration, tokenizer and, of an encoder, the files of its modules, config.json last. Throws Error{invalid_input} that lists the choices
// when several GGUF files fit, Error{not_found} when none does, Error{unsupported} when the
// repository holds no model that we can run.
std::vector<HubFile> choose_hub_files(const HubReference& reference, const HubListing& listing);

// The most bytes that a file may have whose size the hub does not list: half of what the disk has
// free for weights, 64 MB for the small files beside them.
std::uint64_t most_unlisted_bytes(std::string_view path, std::uint64_t free_bytes);

// A relative path that stays below its folder and is plain on every system: no empty, "." or ".."
// part, no backslash, colon or control character (CVE-2024-37032 and its kin).
bool is_safe_relative_path(std::string_view path);

}  // namespace tinyllm
