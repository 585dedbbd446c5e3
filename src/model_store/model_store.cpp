#include "model_store/model_store.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "model_store/model_folders.h"
#include "model_store/near_names.h"
#include "model_store/packaged_models.h"

namespace tinyllm {
namespace fs = std::filesystem;
namespace {

bool exists(const fs::path& path) {
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

[[noreturn]] void fail_unknown(const std::string& wanted, std::vector<std::string> names) {
  for (const PackagedModel& model : packaged_models()) names.emplace_back(model.name);
  for (const HubAlias& alias : hub_aliases()) names.emplace_back(alias.name);
  const std::vector<std::string> near = near_names(wanted, names);
  const std::string hint =
      near.empty() ? "" : fmt::format("did you mean {}? ", fmt::join(near, " or "));
  fail(
      ErrorCode::not_found,
      "{}: no such model, file or folder; {}`tinyllm list` shows what is here, `tinyllm pull NAME` "
      "fetches one",
      wanted, hint);
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
  if (!known && exists(name_or_path)) return name_or_path;

  const HubAlias* alias = find_hub_alias(name_or_path);
  const std::string wanted = alias ? std::string(alias->reference) : name_or_path;
  const std::vector<LocalModel> models = list();
  const std::vector<LocalModel> fits = fitting(models, wanted);
  if (fits.size() == 1) return fits.front().path;
  if (fits.size() > 1) {
    fail(ErrorCode::invalid_input, "{}: fits {}; give one of these names", name_or_path,
         fmt::join(names_of(fits), ", "));
  }
  if (known) {
    fail(ErrorCode::not_found, "{0}: not on this machine yet; run `tinyllm pull {0}`",
         name_or_path);
  }
  if (is_path_like(name_or_path)) {
    fail(ErrorCode::not_found, "{}: no such file or folder", name_or_path);
  }
  fail_unknown(name_or_path, names_of(models));
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
