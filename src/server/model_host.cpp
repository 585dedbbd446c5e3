#include "server/model_host.h"

#include <algorithm>
#include <string>

#include "base/quote.h"
#include "openai/api_error.h"

namespace tinyllm {

namespace {

std::int64_t longest_token_of(const Tokenizer& tokenizer) {
  std::size_t longest = 0;
  for (std::int64_t id = 0; id < tokenizer.vocab_size(); ++id)
    longest = std::max(longest, tokenizer.token_bytes(static_cast<TokenId>(id)).size());
  return static_cast<std::int64_t>(longest);
}

}  // namespace

void ModelHost::add(const ServedModel& model) {
  auto added = std::make_unique<ServedModel>(model);
  if (model.engine->text().tokenizer) added->longest_token = longest_token_of(model.tokenizer());
  const std::scoped_lock lock(models_.mutex);
  models_.list.push_back(std::move(added));
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
