#include "model_store/hub_files.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "model_store/gguf_file_name.h"
#include "model_store/near_names.h"

namespace tinyllm {
namespace {

using nlohmann::json;

bool is_name(std::string_view name) {
  constexpr std::size_t kLongest = 96;  // the hub's own limit
  return !name.empty() && name.size() <= kLongest && name[0] != '.' && name[0] != '-' &&
         std::ranges::all_of(name, [](unsigned char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

bool is_hex(std::string_view text, std::size_t length) {
  return text.size() == length &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// The value when it is a string of `length` hex digits, else empty.
std::string hex_field(const json& object, const char* name, std::size_t length) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return "";
  const std::string text = found->get<std::string>();
  return is_hex(text, length) ? text : "";
}

HubFile parse_file(const json& entry) {
  HubFile file;
  file.path = entry.at("rfilename").get<std::string>();
  const auto size = entry.find("size");
  if (size != entry.end() && size->is_number_unsigned()) file.bytes = size->get<std::uint64_t>();
  file.git_blob = hex_field(entry, "blobId", 40);
  if (const auto lfs = entry.find("lfs"); lfs != entry.end() && lfs->is_object()) {
    file.sha256 = hex_field(*lfs, "sha256", 64);
    file.git_blob.clear();  // that one is of the pointer, not of the file
  }
  return file;
}

// A GGUF model with all its pieces, under the name that the user sees.
struct GgufChoice {
  std::string name;  // "m-q4_k_m.gguf"; of a split one the first piece
  std::vector<HubFile> pieces;
  std::size_t n_wanted = 1;
};

std::vector<GgufChoice> gguf_choices(const HubListing& listing) {
  std::map<std::string, GgufChoice> by_stem;
  for (const HubFile& file : listing.files) {
    if (!is_model_gguf(file.path)) continue;
    const auto split = parse_gguf_split(file.path);
    GgufChoice& choice = by_stem[split ? split->stem : file.path];
    choice.pieces.push_back(file);
    if (split) choice.n_wanted = static_cast<std::size_t>(split->n_files);
  }
  std::vector<GgufChoice> choices;
  for (auto& [stem, choice] : by_stem) {
    std::ranges::sort(choice.pieces, {}, &HubFile::path);
    choice.name = choice.pieces.front().path;
    if (choice.pieces.size() == choice.n_wanted) choices.push_back(std::move(choice));
  }
  return choices;
}

std::string list_choices(const std::vector<GgufChoice>& choices) {
  constexpr std::size_t kMost = 30;
  std::vector<std::string> names;
  for (const GgufChoice& choice : choices) {
    if (names.size() == kMost) break;
    names.push_back(choice.name);
  }
  if (choices.size() > kMost) names.emplace_back("...");
  return fmt::format("{}", fmt::join(names, ", "));
}

std::vector<GgufChoice> fitting(const std::vector<GgufChoice>& choices, const std::string& wanted) {
  std::vector<GgufChoice> fits;
  for (const GgufChoice& choice : choices) {
    for (const HubFile& piece : choice.pieces) {
      if (lower_case(piece.path) == lower_case(wanted)) return {choice};
    }
    if (names_quantization(choice.name, wanted)) fits.push_back(choice);
  }
  return fits;
}

const HubFile* find_file(const HubListing& listing, std::string_view path) {
  const auto found = std::ranges::find(listing.files, path, &HubFile::path);
  return found == listing.files.end() ? nullptr : &*found;
}

// What a sentence-transformers folder says of its modules: how states are pooled, and the like.
// Empty in other repositories.
std::vector<HubFile> encoder_files(const HubListing& listing) {
  std::vector<HubFile> chosen;
  if (find_file(listing, "modules.json") == nullptr) return chosen;
  for (const std::string_view name :
       {"modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"}) {
    if (const HubFile* file = find_file(listing, name)) chosen.push_back(*file);
  }
  for (const HubFile& file : listing.files) {  // "1_Pooling/config.json"
    const std::size_t bar = file.path.find('_'), slash = file.path.find('/');
    const bool is_numbered =
        bar != 0 && bar < slash && file.path.find_first_not_of("0123456789") == bar;
    if (is_numbered && file.path.substr(slash) == "/config.json") chosen.push_back(file);
  }
  return chosen;
}

// The files that a safetensors model is made of; empty when there is no such model. config.json is
// the last: a folder that has it is complete.
std::vector<HubFile> safetensors_model(const HubListing& listing) {
  const HubFile* config = find_file(listing, "config.json");
  if (config == nullptr) return {};
  // Some repositories also keep the weights in their author's own format ("consolidated...").
  const bool named = find_file(listing, "model.safetensors") != nullptr ||
                     find_file(listing, "model.safetensors.index.json") != nullptr;
  std::vector<HubFile> chosen;
  for (const HubFile& file : listing.files) {
    if (file.path.ends_with(".safetensors") && file.path.find('/') == std::string::npos &&
        (!named || file.path.starts_with("model"))) {
      chosen.push_back(file);
    }
  }
  if (chosen.empty()) return {};
  constexpr std::array<std::string_view, 9> kAlso = {"model.safetensors.index.json",
                                                     "generation_config.json",
                                                     "tokenizer.json",
                                                     "tokenizer_config.json",
                                                     "chat_template.jinja",
                                                     "special_tokens_map.json",
                                                     "added_tokens.json",
                                                     "vocab.json",
                                                     "merges.txt"};
  for (const std::string_view name : kAlso) {
    if (const HubFile* file = find_file(listing, name)) chosen.push_back(*file);
  }
  std::ranges::copy(encoder_files(listing), std::back_inserter(chosen));
  chosen.push_back(*config);
  return chosen;
}

std::vector<HubFile> choose(const HubReference& reference, const HubListing& listing) {
  const std::vector<GgufChoice> choices = gguf_choices(listing);
  std::vector<GgufChoice> fits = choices;
  if (reference.choice.empty()) {
    std::vector<HubFile> folder = safetensors_model(listing);
    if (!folder.empty()) return folder;
  } else {
    fits = fitting(choices, reference.choice);
  }
  if (fits.size() == 1) return fits.front().pieces;
  if (fits.size() > 1) {
    fail(ErrorCode::invalid_input,
         "{0}: has several GGUF files: {1}; choose one, by name or quantisation: `tinyllm pull "
         "{0}:Q4_K_M`",
         reference.repo, list_choices(fits));
  }
  if (!choices.empty()) {
    fail(ErrorCode::not_found, "{}: no GGUF file fits '{}'; there are: {}", reference.repo,
         reference.choice, list_choices(choices));
  }
  fail(
      ErrorCode::unsupported,
      "{}: holds neither a whole GGUF file nor a safetensors model with config.json; these two are "
      "supported",
      reference.repo);
}

}  // namespace

std::optional<HubReference> parse_hub_reference(std::string_view text) {
  HubReference reference;
  if (const std::size_t at = text.rfind('@'); at != text.npos) {
    reference.revision = text.substr(at + 1);
    if (!is_safe_relative_path(reference.revision) || reference.revision.starts_with('-'))
      return std::nullopt;
    text = text.substr(0, at);
  }
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    reference.choice = text.substr(colon + 1);
    if (!is_safe_relative_path(reference.choice)) return std::nullopt;
  }
  reference.repo = text.substr(0, colon);
  const std::size_t slash = reference.repo.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const std::string_view repo = reference.repo;
  if (!is_name(repo.substr(0, slash)) || !is_name(repo.substr(slash + 1))) return std::nullopt;
  return reference;
}

HubListing parse_hub_listing(const std::string& repo, const std::string& text) {
  try {
    const json answer = json::parse(text);
    HubListing listing;
    listing.revision = hex_field(answer, "sha", 40);
    if (listing.revision.empty()) listing.revision = "main";
    for (const json& entry : answer.at("siblings")) listing.files.push_back(parse_file(entry));
    return listing;
  } catch (const json::exception& error) {
    fail(ErrorCode::invalid_input, "{}: the hub's list of files cannot be read: {}", repo,
         error.what());
  }
}

std::vector<HubFile> choose_hub_files(const HubReference& reference, const HubListing& listing) {
  std::vector<HubFile> files = choose(reference, listing);
  for (const HubFile& file : files) {
    if (!is_safe_relative_path(file.path)) {
      fail(ErrorCode::invalid_input,
           "{}: lists a file under a name that leads out of its folder; nothing was fetched",
           reference.repo);
    }
  }
  return files;
}

std::uint64_t most_unlisted_bytes(std::string_view path, std::uint64_t free_bytes) {
  constexpr std::uint64_t kSmallFile = std::uint64_t{64}
                                       << 20;  // the largest tokenizers have 35 MB
  const bool weights = path.ends_with(".gguf") || path.ends_with(".safetensors");
  return weights ? free_bytes / 2 : std::min(kSmallFile, free_bytes / 2);
}

bool is_safe_relative_path(std::string_view path) {
  constexpr std::size_t kLongestPath = 400, kLongestPart = 200;
  if (path.empty() || path.size() > kLongestPath) return false;
  for (const unsigned char c : path) {
    if (c < 0x20 || c == 0x7F || c == '\\' || c == ':') return false;
  }
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.size() > kLongestPart) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace tinyllm
