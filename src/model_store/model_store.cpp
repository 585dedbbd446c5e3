#include "model_store/model_store.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "model_store/file_origin.h"
#include "model_store/hub_files.h"
#include "model_store/hub_pull.h"
#include "model_store/model_folders.h"
#include "model_store/model_lock.h"
#include "model_store/model_removal.h"
#include "model_store/near_names.h"
#include "model_store/package_pull.h"
#include "model_store/packaged_models.h"
#include "model_store/wheel_set.h"

namespace tinyllm {
namespace fs = std::filesystem;
namespace {

bool exists_quietly(const fs::path& path) {
  std::error_code unreadable;
  return fs::exists(path, unreadable);
}

// A path that no name can be: "./x", "../x", "/x", "~/x", "x.gguf".
bool is_path_like(const std::string& text) {
  return text.starts_with("./") || text.starts_with("../") || text.starts_with("/") ||
         text.starts_with("~") || text == "." || text == ".." ||
         (text.ends_with(".gguf") && text.find(':') == std::string::npos);
}

std::vector<std::string> names_of(const std::vector<LocalModel>& models) {
  std::vector<std::string> names;
  for (const LocalModel& model : models) names.push_back(model.name());
  return names;
}

std::vector<LocalModel> fitting(const std::vector<LocalModel>& models, std::string_view wanted) {
  std::vector<LocalModel> fits;
  std::ranges::copy_if(models, std::back_inserter(fits),
                       [&](const LocalModel& model) { return name_fits(model, wanted); });
  // A whole name is never ambiguous; an own model goes before another program's.
  for (const LocalModel& model : fits) {
    if (model.name() == wanted) return {model};
  }
  std::vector<LocalModel> own;
  std::ranges::copy_if(fits, std::back_inserter(own),
                       [](const LocalModel& model) { return model.owner == ModelOwner::tinyllm; });
  return own.empty() ? fits : own;
}

// A hub model's short name stands for its reference.
std::string without_alias(const std::string& name) {
  const HubAlias* alias = find_hub_alias(name);
  return alias ? std::string(alias->reference) : name;
}

VerifiedFile verify_file(const fs::path& file, PullWatcher watcher) {
  const std::optional<FileOrigin> origin = read_origin(file);
  if (!origin || origin->digest.hex.empty()) return {file, VerifiedFile::State::no_record, ""};
  const std::uint64_t n_bytes = fs::file_size(file);
  const std::string found = file_digest(file, origin->digest.kind, [&](std::uint64_t n) {
    if (!watcher({"checking " + file.filename().string(), n, n_bytes}))
      fail(ErrorCode::io, "{}: stopped", file.string());
  });
  constexpr std::size_t kShortCommit = 12;
  const std::string from = origin->revision.empty()
                               ? origin->source
                               : origin->source + "@" + origin->revision.substr(0, kShortCommit);
  if (found == origin->digest.hex) return {file, VerifiedFile::State::same, from};
  std::error_code ignored;
  fs::remove(origin_path(file), ignored);
  return {file, VerifiedFile::State::differs, from};
}

[[noreturn]] void fail_ambiguous(const std::string& wanted, const std::vector<LocalModel>& fits) {
  fail(ErrorCode::invalid_input, "{}: fits {}; give one of these names", wanted,
       fmt::join(names_of(fits), ", "));
}

std::string hint_of(const std::string& wanted, const std::vector<std::string>& names) {
  const std::vector<std::string> near = near_names(wanted, names);
  return near.empty() ? "" : fmt::format("did you mean {}? ", fmt::join(near, " or "));
}

std::vector<std::string> pullable_names() {
  std::vector<std::string> names;
  for (const PackagedModel& model : packaged_models()) names.emplace_back(model.name);
  for (const HubAlias& alias : hub_aliases()) names.emplace_back(alias.name);
  return names;
}

[[noreturn]] void fail_unpullable(const std::string& wanted) {
  fail(ErrorCode::not_found,
       "{}: no model of this name to pull; {}there are {}, and ORG/REPO[:FILE] of a Hugging Face "
       "hub",
       wanted, hint_of(wanted, pullable_names()), fmt::join(pullable_names(), ", "));
}

[[noreturn]] void fail_unknown(const std::string& wanted, std::vector<std::string> names) {
  std::ranges::move(pullable_names(), std::back_inserter(names));
  fail(
      ErrorCode::not_found,
      "{}: no such model, file or folder; {}`tinyllm list` shows what is here, `tinyllm pull NAME` "
      "fetches one",
      wanted, hint_of(wanted, names));
}

}  // namespace

fs::path default_model_home() {
  if (const std::string home = environment("TINYLLM_HOME"); !home.empty()) return home;
  const fs::path cache = user_cache();
  if (cache.empty()) {
    fail(ErrorCode::io, "HOME is not set; set TINYLLM_HOME to the folder that holds the models");
  }
  return cache / "tinyllm";
}

ModelStore::ModelStore(fs::path home) : home_(std::move(home)) {}

std::vector<LocalModel> ModelStore::list() const {
  std::vector<LocalModel> models = find_own_models(home_ / "models");
  std::vector<LocalModel> foreign = find_foreign_models();
  std::ranges::move(foreign, std::back_inserter(models));
  return models;
}

fs::path ModelStore::resolve(const std::string& name_or_path) const {
  if (name_or_path.starts_with("random:")) return name_or_path;
  if (name_or_path.empty()) {
    fail(ErrorCode::not_found, "the model's name is empty; `tinyllm list` shows what is here");
  }
  const bool known = find_packaged(name_or_path) || find_hub_alias(name_or_path);
  if (!known && exists_quietly(name_or_path)) return name_or_path;

  const std::vector<LocalModel> models = list();
  const std::vector<LocalModel> fits = fitting(models, without_alias(name_or_path));
  if (fits.size() == 1 && !fits.front().refusal.empty()) {
    fail(ErrorCode::unsupported, "{}: {}", name_or_path, fits.front().refusal);
  }
  if (fits.size() == 1) return fits.front().path;
  if (fits.size() > 1) fail_ambiguous(name_or_path, fits);
  if (known) {
    fail(ErrorCode::not_found, "{0}: not on this machine yet; run `tinyllm pull {0}`",
         name_or_path);
  }
  if (is_path_like(name_or_path)) {
    fail(ErrorCode::not_found, "{}: no such file or folder", name_or_path);
  }
  if (parse_hub_reference(name_or_path)) {
    fail(ErrorCode::not_found,
         "{0}: neither a file nor a model on this machine; `tinyllm pull {0}` fetches it when a "
         "Hugging Face hub has it, `tinyllm list` shows what is here",
         name_or_path);
  }
  fail_unknown(name_or_path, names_of(models));
}

fs::path ModelStore::pull(const std::string& name, PullWatcher watcher) const {
  const fs::path models = home_ / "models";
  bool said = false;
  const auto on_wait = [&] {
    if (!said)
      log(LogLevel::warning, "{}: another process is pulling it; waiting for its end", name);
    said = true;
    return watcher({"waiting", 0, 0});
  };
  if (const PackagedModel* packaged = find_packaged(name)) {
    const ModelLock lock(home_ / "locks", name, on_wait);
    return pull_packaged(*packaged, home_, watcher);
  }
  const auto reference = parse_hub_reference(without_alias(name));
  if (!reference) fail_unpullable(name);
  const ModelLock lock(home_ / "locks", reference->repo, on_wait);
  return pull_from_hub(hub_access_from_environment(), *reference, models, watcher);
}

std::vector<VerifiedFile> ModelStore::verify(const std::string& name, PullWatcher watcher) const {
  const std::vector<LocalModel> fits = fitting(list(), without_alias(name));
  if (fits.size() > 1) fail_ambiguous(name, fits);
  if (fits.empty()) {
    fail(ErrorCode::not_found, "{}: no such model here; {}`tinyllm list` shows what is", name,
         hint_of(name, names_of(find_own_models(home_ / "models"))));
  }
  const LocalModel& model = fits.front();
  if (model.owner != ModelOwner::tinyllm) {
    fail(ErrorCode::invalid_input,
         "{}: belongs to {} ({}); only models that `pull` fetched have a "
         "record to compare with",
         name, owner_title(model.owner), model.path.string());
  }
  const ModelLock lock(home_ / "locks", model.title, [&] { return watcher({"waiting", 0, 0}); });
  std::vector<VerifiedFile> verified;
  for (const fs::path& file : files_of_model(model)) verified.push_back(verify_file(file, watcher));
  return verified;
}

// What a pull that did not end left behind.
std::optional<LocalModel> ModelStore::find_unfinished(const std::string& name) const {
  if (const PackagedModel* packaged = find_packaged(name)) {
    if (!has_package_downloads(*packaged, home_)) return std::nullopt;
    return LocalModel{ModelOwner::tinyllm, name, "", home_ / "models" / packaged->file};
  }
  const auto reference = parse_hub_reference(without_alias(name));
  if (!reference || !exists_quietly(home_ / "models" / reference->repo)) return std::nullopt;
  return LocalModel{ModelOwner::tinyllm, reference->repo, "", home_ / "models" / reference->repo};
}

LocalModel ModelStore::find_own(const std::string& name) const {
  const std::vector<LocalModel> models = list();
  const std::vector<LocalModel> fits = fitting(models, without_alias(name));
  if (fits.size() > 1) fail_ambiguous(name, fits);
  if (fits.empty()) {
    if (const auto unfinished = find_unfinished(name)) return *unfinished;
    fail(ErrorCode::not_found, "{}: no such model here; {}`tinyllm list` shows what is", name,
         hint_of(name, names_of(find_own_models(home_ / "models"))));
  }
  if (fits.front().owner != ModelOwner::tinyllm) {
    fail(ErrorCode::invalid_input, "{}: belongs to {} ({}); remove it there", name,
         owner_title(fits.front().owner), fits.front().path.string());
  }
  return fits.front();
}

void ModelStore::remove(const LocalModel& model) const {
  const ModelLock lock(home_ / "locks", model.title, [] { return false; });
  remove_model_files(model, home_ / "models");
  if (const PackagedModel* packaged = find_packaged(model.title)) {
    remove_package_downloads(*packaged, home_);
  }
}

std::vector<PullableModel> ModelStore::pullable() const {
  const std::vector<LocalModel> own = find_own_models(home_ / "models");
  const auto is_here = [&](std::string_view wanted) {
    return std::ranges::any_of(own, [&](const LocalModel& m) { return name_fits(m, wanted); });
  };
  std::vector<PullableModel> names;
  for (const PackagedModel& model : packaged_models()) {
    names.push_back({std::string(model.name),
                     fmt::format("{} MB, {}", model.bytes / 1'000'000, model.about),
                     is_here(model.name)});
  }
  for (const HubAlias& alias : hub_aliases()) {
    names.push_back({std::string(alias.name), std::string(alias.about), is_here(alias.reference)});
  }
  return names;
}

}  // namespace tinyllm
