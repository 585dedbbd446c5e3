#include "server/model_host.h"

#include <fmt/core.h>

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

// The one of this name, "" the first; nullptr: none.
template <typename Model>
const Model* find_in(const std::vector<std::unique_ptr<const Model>>& list, std::string_view name) {
  for (const auto& model : list) {
    if (name.empty() || std::ranges::find(model->names, name) != model->names.end())
      return model.get();
  }
  return nullptr;
}

[[noreturn]] void refuse_unknown(std::string_view name) {
  throw ApiError(404, "model_not_found", "model",
                 fmt::format("the model {} is not served here; GET /v1/models lists what is",
                             quote(std::string(name))));
}

}  // namespace

void ModelHost::add(const ServedModel& model) {
  auto added = std::make_unique<ServedModel>(model);
  if (model.engine->text().tokenizer) added->longest_token = longest_token_of(model.tokenizer());
  const std::scoped_lock lock(models_.mutex);
  models_.list.push_back(std::move(added));
  models_.is_ready = true;
}

void ModelHost::add(const ServedEmbedder& model) {
  const std::scoped_lock lock(models_.mutex);
  models_.embedders.push_back(std::make_unique<ServedEmbedder>(model));
}

void ModelHost::add(const ServedReranker& model) {
  const std::scoped_lock lock(models_.mutex);
  models_.rerankers.push_back(std::make_unique<ServedReranker>(model));
}

void ModelHost::set_ready() {
  const std::scoped_lock lock(models_.mutex);
  models_.is_ready = true;
}

void ModelHost::check_ready() const {
  if (empty()) throw ApiError(503, "loading", "", "the model is still loading");
}

const ServedModel& ModelHost::find(std::string_view name) const {
  check_ready();
  const std::scoped_lock lock(models_.mutex);
  if (const ServedModel* model = find_in(models_.list, name)) return *model;
  if (const ServedEmbedder* embedder = find_in(models_.embedders, name)) {
    throw ApiError(
        400, "wrong_model_kind", "model",
        fmt::format("the model {} makes embeddings (POST /v1/embeddings) and writes no "
                    "text; {}",
                    embedder->names.front(),
                    models_.list.empty() ? "this server has no model that does"
                                         : "ask " + models_.list.front()->names.front()));
  }
  if (!name.empty() && find_in(models_.rerankers, name) != nullptr) {
    throw ApiError(
        400, "wrong_model_kind", "model",
        fmt::format("the model {} scores pairs of texts (POST /v1/rerank, /v1/score) and "
                    "does nothing else",
                    name));
  }
  refuse_unknown(name);
}

const ServedReranker* ModelHost::find_reranker(std::string_view name) const {
  check_ready();
  const std::scoped_lock lock(models_.mutex);
  return find_in(models_.rerankers, name);
}

const ServedEmbedder& ModelHost::find_embedder(std::string_view name) const {
  check_ready();
  const std::scoped_lock lock(models_.mutex);
  if (const ServedEmbedder* embedder = find_in(models_.embedders, name)) return *embedder;
  if (models_.embedders.empty()) {
    throw ApiError(400, "wrong_model_kind", "model",
                   "this server has no embedding model; tinyllm serve --embedder all-minilm-l6-v2 "
                   "gives it one");
  }
  if (find_in(models_.list, name) != nullptr) {
    throw ApiError(400, "wrong_model_kind", "model",
                   fmt::format("the model {} writes text and makes no embeddings; ask {}", name,
                               models_.embedders.front()->names.front()));
  }
  refuse_unknown(name);
}

void ModelHost::each(function_ref<void(const ServedModel&)> visit) const {
  const std::scoped_lock lock(models_.mutex);
  for (const auto& model : models_.list) visit(*model);
}

void ModelHost::each_embedder(function_ref<void(const ServedEmbedder&)> visit) const {
  const std::scoped_lock lock(models_.mutex);
  for (const auto& model : models_.embedders) visit(*model);
}

void ModelHost::each_reranker(function_ref<void(const ServedReranker&)> visit) const {
  const std::scoped_lock lock(models_.mutex);
  for (const auto& model : models_.rerankers) visit(*model);
}

bool ModelHost::empty() const {
  const std::scoped_lock lock(models_.mutex);
  return !models_.is_ready;
}

bool ModelHost::has_failed() const {
  const std::scoped_lock lock(models_.mutex);
  return std::ranges::any_of(models_.list,
                             [](const auto& model) { return model->engine->failed(); });
}

}  // namespace tinyllm
