#include "server/model_host.h"

#include <algorithm>
#include <string>

#include "base/quote.h"
#include "openai/api_error.h"

namespace tinyllm {

void ModelHost::add(const ServedModel& model) {
  const std::scoped_lock lock(models_.mutex);
  models_.list.push_back(std::make_unique<const ServedModel>(model));
}

void ModelHost::check_ready() const {
  if (empty()) throw ApiError(503, "loading", "", "the model is still loading");
}

const ServedModel& ModelHost::find(std::string_view name) const {
  check_ready();
  const std::scoped_lock lock(models_.mutex);
  if (name.empty()) return *models_.list.front();
  for (const auto& model : models_.list) {
    if (std::ranges::find(model->names, name) != model->names.end()) return *model;
  }
  throw ApiError(404, "model_not_found", "model",
                 fmt::format("the model {} is not served here; GET /v1/models lists what is",
                             quote(std::string(name))));
}

void ModelHost::each(function_ref<void(const ServedModel&)> visit) const {
  const std::scoped_lock lock(models_.mutex);
  for (const auto& model : models_.list) visit(*model);
}

bool ModelHost::empty() const {
  const std::scoped_lock lock(models_.mutex);
  return models_.list.empty();
}

bool ModelHost::has_failed() const {
  const std::scoped_lock lock(models_.mutex);
  return std::ranges::any_of(models_.list,
                             [](const auto& model) { return model->engine->failed(); });
}

}  // namespace tinyllm
