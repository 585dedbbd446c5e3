#include "openai/embeddings.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>

#include "base/base64.h"
#include "encoder/pooling.h"
#include "openai/api_error.h"

namespace tinyllm {
namespace {

// A single string or list of ids has no index.
std::string path_of(const ApiRequest& request, std::size_t i) {
  return request.prompts.size() == 1 ? "input" : fmt::format("input[{}]", i);
}

std::int64_t most_tokens(const ApiRequest& request, const Embedder& embedder) {
  const std::int64_t asked = request.truncate_prompt_tokens, most = embedder.max_seq_len();
  if (asked > most) {
    refuse_field("truncate_prompt_tokens", fmt::format("{}", asked),
                 fmt::format("at most {}, which is what the model reads; -1 stands for it", most));
  }
  return asked > 0 ? asked : most;
}

[[noreturn]] void refuse_length(const std::string& path, std::int64_t n, std::int64_t most) {
  ApiError error(400, "context_length_exceeded", path,
                 fmt::format("this model's maximum context length is {} tokens: {} has {}; send it "
                             "in parts, or truncate_prompt_tokens -1 to have its end cut off",
                             most, path, n));
  error.n_prompt_tokens = n;
  error.n_context = most;
  throw error;
}

std::vector<TokenId> ids_of_text(const Embedder& embedder, const std::string& path,
                                 std::string_view text, std::int64_t most, bool cuts) {
  std::vector<TokenId> ids = embedder.tokenize(text);
  const std::int64_t room = most - embedder.n_around();
  if (std::ssize(ids) > room) {
    if (!cuts) refuse_length(path, std::ssize(ids) + embedder.n_around(), most);
    ids.resize(static_cast<std::size_t>(std::max<std::int64_t>(room, 0)));
  }
  return embedder.surround(ids);
}

std::vector<TokenId> checked_ids(const Embedder& embedder, const std::string& path,
                                 std::vector<TokenId> ids, std::int64_t most, bool cuts) {
  if (ids.empty()) refuse_field(path, "an empty array", "at least one token id");
  const auto wrong =
      std::ranges::find_if(ids, [&](TokenId id) { return id < 0 || id >= embedder.vocab_size(); });
  if (wrong != ids.end()) {
    refuse_field(path, fmt::format("given with the token id {}", *wrong),
                 fmt::format("of ids in [0, {})", embedder.vocab_size()));
  }
  if (std::ssize(ids) > most) {
    if (!cuts) refuse_length(path, std::ssize(ids), most);
    ids.resize(static_cast<std::size_t>(most));
  }
  return ids;
}

void append_vector(std::string& out, const ApiRequest& request, std::span<const float> vector) {
  if (request.as_base64) {
    out += '"' + to_base64(std::as_bytes(vector)) + '"';
    return;
  }
  out += '[';
  for (std::size_t d = 0; d < vector.size(); ++d)
    fmt::format_to(std::back_inserter(out), "{}{}", d == 0 ? "" : ",", vector[d]);
  out += ']';
}

}  // namespace

EmbeddingInputs encode_inputs(const ApiRequest& request, const ServedEmbedder& model) {
  const Embedder& embedder = *model.embedder;
  if (request.dimensions > embedder.n_dims()) {
    refuse_field("dimensions", fmt::format("{}", request.dimensions),
                 fmt::format("at most {}: the vectors of {} have no more", embedder.n_dims(),
                             model.names.front()));
  }
  const std::int64_t most = most_tokens(request, embedder);
  const bool cuts = request.truncate_prompt_tokens != 0;
  if (cuts && most <= embedder.n_around()) {
    refuse_field("truncate_prompt_tokens", fmt::format("{}", most),
                 fmt::format("-1 or at least {}", embedder.n_around() + 1));
  }
  EmbeddingInputs inputs;
  for (std::size_t i = 0; i < request.prompts.size(); ++i) {
    const PromptPart& part = request.prompts[i].front();
    const std::string path = path_of(request, i);
    inputs.ids.push_back(part.is_text ? ids_of_text(embedder, path, part.text, most, cuts)
                                      : checked_ids(embedder, path, part.ids, most, cuts));
    inputs.n_tokens += std::ssize(inputs.ids.back());
  }
  return inputs;
}

std::string embeddings_answer(const ApiRequest& request, const ServedEmbedder& model,
                              const EmbeddingInputs& inputs, std::vector<float>& vectors) {
  const auto n_dims = static_cast<std::size_t>(model.embedder->n_dims());
  const auto n_kept =
      request.dimensions == 0 ? n_dims : static_cast<std::size_t>(request.dimensions);
  std::string out = R"({"object":"list","data":[)";
  for (std::size_t i = 0; i < inputs.ids.size(); ++i) {
    float* vector = vectors.data() + i * n_dims;
    if (n_kept < n_dims) normalise(vector, static_cast<std::int64_t>(n_kept));
    fmt::format_to(std::back_inserter(out), R"({}{{"object":"embedding","index":{},"embedding":)",
                   i == 0 ? "" : ",", i);
    append_vector(out, request, {vector, n_kept});
    out += '}';
  }
  fmt::format_to(std::back_inserter(out),
                 R"(],"model":{},"usage":{{"prompt_tokens":{},"total_tokens":{}}}}})",
                 nlohmann::json(model.names.front()).dump(), inputs.n_tokens, inputs.n_tokens);
  return out;
}

}  // namespace tinyllm
