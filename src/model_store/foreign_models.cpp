// The caches of other programs, each laid out in its own way (model_folders.h).

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "model_store/folder_scan.h"
#include "model_store/model_folders.h"

namespace tinyllm {
namespace fs = std::filesystem;
namespace {

// First value that is not empty.
fs::path first_set(std::initializer_list<fs::path> values) {
  const auto found = std::ranges::find_if(values, [](const fs::path& p) { return !p.empty(); });
  return found == values.end() ? fs::path() : *found;
}

// `base`/tail, or nothing when there is no base.
fs::path under(const fs::path& base, const fs::path& tail) {
  return base.empty() ? fs::path() : base / tail;
}

// "sha256:<64 hex>" -> "sha256-<64 hex>". Anything else names no blob: a manifest is a file from
// the network, and its digest must not lead out of the folder (CVE-2024-37032).
std::optional<std::string> blob_name(const std::string& digest) {
  constexpr std::string_view kAlgorithm = "sha256:";
  if (digest.size() != kAlgorithm.size() + 64 || !digest.starts_with(kAlgorithm)) return {};
  const std::string hex = digest.substr(kAlgorithm.size());
  if (hex.find_first_not_of("0123456789abcdef") != std::string::npos) return {};
  return "sha256-" + hex;
}

// What an Ollama manifest is made of: the file that holds the weights, and whether an adapter changes
// them.
struct OllamaLayers {
  std::optional<std::string> weights;
  bool has_adapter = false;
};

OllamaLayers layers_of(const fs::path& manifest) {
  constexpr std::uint64_t kMaxBytes = 1 << 20;
  OllamaLayers layers;
  try {
    const nlohmann::json json = nlohmann::json::parse(read_text_file(manifest, kMaxBytes));
    for (const nlohmann::json& layer : json.at("layers")) {
      const bool is_model = layer.at("mediaType") == "application/vnd.ollama.image.model";
      if (is_model && !layers.weights) {
        layers.weights = blob_name(layer.at("digest").get<std::string>());
      }
      if (layer.at("mediaType") == "application/vnd.ollama.image.adapter") {
        layers.has_adapter = true;
      }
    }
    return layers;
  } catch (const nlohmann::json::exception&) {
    // Not a manifest.
  } catch (const Error&) {
    // Gone or forbidden since we listed it.
  }
  return {};
}

// manifests/registry.ollama.ai/library/qwen2.5/0.5b is what Ollama calls "qwen2.5:0.5b"; its own
// host and the name space "library" are not said.
std::string ollama_title(const fs::path& manifest) {
  std::vector<std::string> parts;
  for (const fs::path& part : manifest) parts.push_back(part.string());
  if (parts.size() < 2) return "";
  std::size_t first = 0;
  if (parts[0] == "registry.ollama.ai") first = parts.size() > 3 && parts[1] == "library" ? 2 : 1;
  std::string title;
  for (std::size_t i = first; i + 1 < parts.size(); ++i) {
    title += (title.empty() ? "" : "/") + parts[i];
  }
  return title + ":" + parts.back();
}

// The snapshot that "main" names, else the newest one.
fs::path current_snapshot(const fs::path& repo) {
  std::error_code unreadable;
  const fs::path ref = repo / "refs" / "main";
  if (fs::is_regular_file(ref, unreadable)) {
    try {
      std::string commit = read_text_file(ref, 256);
      commit.erase(commit.find_last_not_of(" \r\n") + 1);
      const bool safe = commit.find_first_not_of("0123456789abcdef") == std::string::npos;
      const fs::path snapshot = repo / "snapshots" / commit;
      if (safe && !commit.empty() && fs::is_directory(snapshot, unreadable)) return snapshot;
    } catch (const Error&) {
      // Unreadable: take the newest.
    }
  }
  const std::vector<fs::path> snapshots = folders_in(repo / "snapshots");
  const auto newest = std::ranges::max_element(snapshots, {}, [](const fs::path& snapshot) {
    std::error_code ignored;
    return fs::last_write_time(snapshot, ignored);
  });
  return newest == snapshots.end() ? fs::path() : *newest;
}

void append(std::vector<LocalModel>& all, std::vector<LocalModel> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

std::vector<LocalModel> find_ollama_models(const fs::path& folder) {
  std::vector<LocalModel> found;
  const fs::path manifests = folder / "manifests";
  std::error_code error;
  for (fs::recursive_directory_iterator
           it(manifests, fs::directory_options::skip_permission_denied, error),
       end;
       !error && it != end; it.increment(error)) {
    std::error_code unreadable;
    if (!it->is_regular_file(unreadable)) continue;
    const std::string title = ollama_title(it->path().lexically_relative(manifests));
    const OllamaLayers layers = layers_of(it->path());
    if (title.empty() || !layers.weights) continue;
    const fs::path weights = folder / "blobs" / *layers.weights;
    if (!fs::is_regular_file(weights, unreadable)) continue;
    found.push_back({ModelOwner::ollama, title, "", weights});
    if (layers.has_adapter) {
      found.back().refusal =
          "its Ollama manifest adds an adapter to the weights, which is not supported";
    }
  }
  std::ranges::sort(found, {}, &LocalModel::title);
  return found;
}

std::vector<LocalModel> find_hugging_face_models(const fs::path& hub) {
  constexpr std::string_view kPrefix = "models--";
  std::vector<LocalModel> found;
  for (const fs::path& repo : folders_in(hub)) {
    std::string title = repo.filename().string();
    if (!title.starts_with(kPrefix)) continue;
    title.erase(0, kPrefix.size());
    if (const std::size_t dashes = title.find("--"); dashes != std::string::npos) {
      title.replace(dashes, 2, "/");
    }
    const fs::path snapshot = current_snapshot(repo);
    if (!snapshot.empty()) add_repo(found, ModelOwner::hugging_face, title, snapshot);
  }
  return found;
}

std::vector<LocalModel> find_llama_cpp_models(const fs::path& folder) {
  std::vector<LocalModel> found;
  for (const fs::path& file : gguf_files_in(folder, 1)) {
    found.push_back({ModelOwner::llama_cpp, file.string(), "", folder / file});
  }
  return found;
}

std::vector<LocalModel> find_lm_studio_models(const fs::path& folder) {
  std::vector<LocalModel> found;
  for (const fs::path& org : folders_in(folder)) {
    for (const fs::path& repo : folders_in(org)) {
      add_repo(found, ModelOwner::lm_studio,
               org.filename().string() + "/" + repo.filename().string(), repo);
    }
  }
  return found;
}

std::vector<LocalModel> find_foreign_models() {
  const fs::path home = user_home();
  const fs::path cache = user_cache();
  const fs::path ollama = first_set({environment("OLLAMA_MODELS"), under(home, ".ollama/models")});
  const fs::path hugging_face =
      first_set({environment("HF_HUB_CACHE"), under(environment("HF_HOME"), "hub"),
                 under(cache, "huggingface/hub")});
  const fs::path llama_cpp = first_set({environment("LLAMA_CACHE"), under(cache, "llama.cpp")});

  std::vector<LocalModel> found;
  if (!ollama.empty()) append(found, find_ollama_models(ollama));
  if (!hugging_face.empty()) append(found, find_hugging_face_models(hugging_face));
  if (!llama_cpp.empty()) append(found, find_llama_cpp_models(llama_cpp));
  if (!home.empty()) {
    append(found, find_lm_studio_models(home / ".lmstudio/models"));
    append(found, find_lm_studio_models(home / ".cache/lm-studio/models"));
  }
  return found;
}

}  // namespace tinyllm
