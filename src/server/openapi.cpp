#include "server/openapi.h"

#include <fmt/core.h>

#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/version.h"
#include "openai/field_table.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

struct PostRoute {
  std::string_view path, schema_name, help;
  ApiKind kind;
  std::string_view request, answer;  // an example, for the page
};

constexpr auto kPostRoutes = std::to_array<PostRoute>({
    {"/v1/chat/completions", "ChatRequest", "The assistant's answer to a conversation.",
     ApiKind::chat,
     R"({"messages": [{"role": "user", "content": "Hi"}], "temperature": 0, "max_tokens": 20})",
     R"({"id": "chatcmpl-...", "object": "chat.completion", "created": 1767225600, "model": )"
     R"("smollm2-135m", "choices": [{"index": 0, "message": {"role": "assistant", "content": )"
     R"("Hello!", "refusal": null}, "logprobs": null, "finish_reason": "stop"}], "usage": )"
     R"({"prompt_tokens": 31, "completion_tokens": 3, "total_tokens": 34, )"
     R"("prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": )"
     R"({"accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}}})"},
    {"/v1/completions", "CompletionRequest", "The continuation of a text.", ApiKind::completion,
     R"({"prompt": "Once upon", "temperature": 0, "max_tokens": 2})",
     R"({"id": "cmpl-...", "object": "text_completion", "created": 1767225600, "model": )"
     R"("smollm2-135m", "choices": [{"index": 0, "text": " a time", "logprobs": null, )"
     R"("finish_reason": "length"}], "usage": {"prompt_tokens": 2, "completion_tokens": 2, )"
     R"("total_tokens": 4, "prompt_tokens_details": {"cached_tokens": 0}, )"
     R"("completion_tokens_details": {"accepted_prediction_tokens": 0, )"
     R"("rejected_prediction_tokens": 0}}})"},
    {"/v1/responses", "ResponsesRequest",
     "The assistant's answer under OpenAI's newer API: items in, items out.", ApiKind::responses,
     R"({"input": "Hi", "temperature": 0, "max_output_tokens": 20})",
     R"({"id": "resp_...", "object": "response", "status": "completed", "output": [{"id": )"
     R"("msg_...", "type": "message", "status": "completed", "role": "assistant", "content": )"
     R"([{"type": "output_text", "text": "Hello!", "annotations": []}]}], "usage": )"
     R"({"input_tokens": 31, "output_tokens": 3, "total_tokens": 34}, ...})"},
    {"/v1/messages", "MessagesRequest",
     "The assistant's answer under Anthropic's API. Clients of it take http://HOST:PORT as their "
     "base URL.",
     ApiKind::messages,
     R"({"messages": [{"role": "user", "content": "Hi"}], "temperature": 0, "max_tokens": 20})",
     R"({"id": "msg_...", "type": "message", "role": "assistant", "model": "smollm2-135m", )"
     R"("content": [{"type": "text", "text": "Hello!"}], "stop_reason": "end_turn", )"
     R"("stop_sequence": null, "usage": {"input_tokens": 31, "output_tokens": 3, ...}})"},
    {"/v1/messages/count_tokens", "CountTokensRequest", "How long such a conversation's prompt is.",
     ApiKind::count_tokens, R"({"messages": [{"role": "user", "content": "Hi"}]})",
     R"({"input_tokens": 31})"},
    {"/v1/embeddings", "EmbeddingsRequest",
     "Texts to vectors, by an embedding model (`tinyllm serve --embedder NAME`).",
     ApiKind::embeddings, R"({"input": ["a cat on the mat", "two dogs"], "dimensions": 3})",
     R"({"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.61, 0.32, )"
     R"(-0.72]}, ...], "model": "all-minilm-l6-v2", "usage": {"prompt_tokens": 11, "total_tokens": 11}})"},
    {"/v1/rerank", "RerankRequest",
     "Documents in the order in which they answer a query, in the form of Jina and Cohere: by a "
     "cross-encoder (`tinyllm serve --reranker FOLDER`), or judged by a model that writes.",
     ApiKind::rerank, R"({"query": "cats", "documents": ["a dog", "a cat"], "top_n": 1})",
     R"({"id": "rerank-...", "model": "smollm2-135m", "results": [{"index": 1, "relevance_score": )"
     R"(0.93, "document": {"text": "a cat"}}], "usage": {"prompt_tokens": 150, "total_tokens": 150}})"},
    {"/v1/score", "ScoreRequest",
     "How well each text_2 answers text_1, by the same models, in the form of vLLM.",
     ApiKind::score, R"({"text_1": "cats", "text_2": ["a dog", "a cat"]})",
     R"({"id": "score-...", "object": "list", "created": 1767225600, "model": "smollm2-135m", )"
     R"("data": [{"index": 0, "object": "score", "score": 0.07}, ...], "usage": {"prompt_tokens": )"
     R"(150, "total_tokens": 150}})"},
    {"/tokenize", "TokenizeRequest",
     "A text, or a conversation, to token ids. Give prompt or messages.", ApiKind::tokenize,
     R"({"prompt": "Hello"})", R"({"count": 1, "max_model_len": 8192, "tokens": [19556]})"},
    {"/detokenize", "DetokenizeRequest", "Token ids to text.", ApiKind::detokenize,
     R"({"tokens": [19556]})", R"({"prompt": "Hello", "content": "Hello"})"},
    {"/apply-template", "TemplateRequest", "A conversation to the exact prompt of the model.",
     ApiKind::apply_template, R"({"messages": [{"role": "user", "content": "Hi"}]})",
     R"({"prompt": "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"})"},
});

struct GetRoute {
  std::string_view path, help;
  std::string_view method = "get";
};

constexpr auto kGetRoutes = std::to_array<GetRoute>({
    {"/", "The chat page. Needs no key."},
    {"/v1/models",
     "The names of the served models, with max_model_len and the sampling of requests that name "
     "none; embedding models have \"task\": \"embed\" and their dimensions."},
    {"/v1/responses/{id}",
     "An answer of /v1/responses, as long as it is kept: the latest 1000 are, in memory. Another "
     "key's are not found."},
    {"/v1/responses/{id}", "Forgets it.", "delete"},
    {"/v1/responses/{id}/input_items",
     "What it answered, as items, the last first. order (asc, desc), limit (1 to 100, otherwise "
     "20), after."},
    {"/health",
     "200 when requests are taken; 503 while the model loads and while shutting down. "
     "Needs no key."},
    {"/v1/health", "The same."},
    {"/ready", "The same, under the name of Kubernetes' readiness probe."},
    {"/tokenizer_info",
     "Special tokens and chat template under the names of a tokenizer_config.json, for clients "
     "without a tokenizer of their own."},
    {"/version", "The program's version."},
    {"/metrics", "Prometheus metrics under vLLM's names."},
    {"/requests/{id}/why",
     "Where the time of a request went, and why no more of its prompt was cached. id: an answer's, "
     "or "
     "its X-Request-Id. The latest 1000 are kept, also while they run; another key's are not "
     "found."},
    {"/openapi.json", "This description."},
    {"/debug/state",
     "The engine's rows, queue and KV blocks as server-sent events; 404 without --debug-views."},
});

bool is_supported(const Field& field) { return field.set != nullptr; }

// /tokenize takes a prompt or messages.
bool is_required(const Field& field, ApiKind kind) {
  return field.fallback.empty() && !(kind == ApiKind::tokenize && field.name == "messages");
}

json number_limit(FieldKind kind, double value) {
  if (kind != FieldKind::integer) return value;
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();  // as a double 2^63, one more
  if (value >= static_cast<double>(kMost)) return kMost;
  return static_cast<std::int64_t>(value);
}

json schema_of(const Field& field) {
  json schema = field.schema.empty() ? json::object() : json::parse(field.schema);
  switch (field.kind) {
    case FieldKind::boolean: schema["type"] = "boolean"; break;
    case FieldKind::integer: schema["type"] = "integer"; break;
    case FieldKind::number: schema["type"] = "number"; break;
    case FieldKind::string: schema["type"] = "string"; break;
    case FieldKind::other: break;
  }
  if (field.kind == FieldKind::integer || field.kind == FieldKind::number) {
    schema["minimum"] = number_limit(field.kind, field.low);
    schema["maximum"] = number_limit(field.kind, field.high);
  }
  if (field.kind == FieldKind::string) schema["maxLength"] = static_cast<std::int64_t>(field.high);
  if (!field.fallback.empty()) {  // optional: null means the default
    schema = {{"anyOf", json::array({std::move(schema), {{"type", "null"}}})}};
    schema["default"] = json::parse(field.fallback);
  }
  schema["description"] = std::string(field.help);
  return schema;
}

json body_schema(ApiKind kind) {
  json properties = json::object(), required = json::array();
  for (const Field* field : fields_of(kind)) {
    if (!is_supported(*field)) continue;
    const std::string name(field->name);
    properties[name] = schema_of(*field);
    if (is_required(*field, kind)) required.push_back(name);
  }
  json schema = {{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

json reference(std::string_view name) {
  return {{"$ref", fmt::format("#/components/schemas/{}", name)}};
}

json json_content(json schema) { return {{"application/json", {{"schema", std::move(schema)}}}}; }

json error_answer(std::string_view description) {
  return {{"description", std::string(description)}, {"content", json_content(reference("Error"))}};
}

json answers_of(bool takes_body) {
  json answers = {{"200", {{"description", "Done."}}}};
  if (takes_body) {
    answers["400"] = error_answer("A field is wrong; param names it.");
    answers["404"] = error_answer("No such model.");
    answers["413"] = error_answer("The body is too large.");
    answers["415"] = error_answer("The body is not declared as JSON.");
    answers["429"] = error_answer("Too many answers run or wait; see Retry-After.");
  }
  answers["401"] = error_answer("The API key is missing or wrong.");
  answers["503"] = error_answer("The model is loading, or the server is shutting down.");
  return answers;
}

json error_schema() {
  json fields = {{"message", {{"type", "string"}}},
                 {"type", {{"type", "string"}}},
                 {"param", {{"type", json::array({"string", "null"})}}},
                 {"code", {{"type", json::array({"string", "null"})}}}};
  json error = {{"type", "object"},
                {"required", json::array({"message", "type", "param", "code"})},
                {"properties", std::move(fields)}};
  return {{"type", "object"},
          {"required", json::array({"error"})},
          {"properties", {{"error", std::move(error)}}}};
}

// "string or array"
std::string kind_of_schema(const json& schema) {
  if (schema.contains("type")) return schema["type"].get<std::string>();
  std::string kinds;
  for (const json& one : schema["anyOf"])
    kinds += (kinds.empty() ? "" : " or ") + one["type"].get<std::string>();
  return kinds;
}

// "number, 0 to 2"
std::string kind_text(const Field& field) {
  switch (field.kind) {
    case FieldKind::boolean: return "boolean";
    case FieldKind::string: return fmt::format("string, at most {:.0f} bytes", field.high);
    case FieldKind::integer:
    case FieldKind::number: break;
    case FieldKind::other: {
      return kind_of_schema(json::parse(field.schema));
    }
  }
  const char* name = field.kind == FieldKind::integer ? "integer" : "number";
  const bool huge = field.high >= 2147483647.0;
  if (huge && field.low <= -2147483647.0) return name;
  if (huge) return fmt::format("{}, {:g} or more", name, field.low);
  return fmt::format("{}, {:g} to {:g}", name, field.low, field.high);
}

// A bar would end a cell of a Markdown table.
std::string escape_bars(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string default_text(const Field& field, ApiKind kind) {
  if (is_required(field, kind)) return "**required**";
  return field.fallback.empty() || field.fallback == "null" ? ""
                                                            : fmt::format("`{}`", field.fallback);
}

std::string fields_page(ApiKind kind) {
  std::string page = "| field | kind | default | meaning |\n|---|---|---|---|\n";
  std::string refused;
  for (const Field* field : fields_of(kind)) {
    if (!is_supported(*field)) {
      refused += fmt::format("{}`{}`", refused.empty() ? "" : ", ", field->name);
      continue;
    }
    page += fmt::format("| `{}` | {} | {} | {} |\n", field->name, kind_text(*field),
                        default_text(*field, kind), escape_bars(field->help));
  }
  if (!refused.empty()) page += "\nUnderstood, but refused with 400 for now: " + refused + ".\n";
  return page;
}

}  // namespace

json openapi_document() {
  json paths = json::object(), schemas = {{"Error", error_schema()}};
  for (const PostRoute& route : kPostRoutes) {
    schemas[std::string(route.schema_name)] = body_schema(route.kind);
    paths[std::string(route.path)]["post"] = {
        {"summary", std::string(route.help)},
        {"requestBody",
         {{"required", true}, {"content", json_content(reference(route.schema_name))}}},
        {"responses", answers_of(true)}};
  }
  for (const GetRoute& route : kGetRoutes) {
    json& operation = paths[std::string(route.path)][std::string(route.method)];
    operation = {{"summary", std::string(route.help)}, {"responses", answers_of(false)}};
    if (route.path.find("{id}") == route.path.npos) continue;
    operation["responses"]["400"] = error_answer("A parameter is wrong; param names it.");
    operation["responses"]["404"] = error_answer("No such answer is kept.");
    operation["parameters"] = json::array(
        {{{"name", "id"}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}}});
  }
  json document = {
      {"openapi", "3.1.0"},
      {"info", {{"title", "tiny-llm"}, {"version", std::string(version())}}},
      {"paths", std::move(paths)},
      {"components",
       {{"schemas", std::move(schemas)},
        {"securitySchemes", {{"bearer", {{"type", "http"}, {"scheme", "bearer"}}}}}}},
  };
  document["security"] = json::array({{{"bearer", json::array()}}, json::object()});
  return document;
}

std::string api_page() {
  std::string page =
      "# The HTTP API\n\n"
      "Made from the server's field table by `tinyllm serve --print-api`; a test holds this page "
      "to it.\n"
      "Bodies are JSON objects with `Content-Type: application/json`. Fields that are not listed "
      "are ignored and named in\nthe header `X-Tinyllm-Ignored`, or refused with `--strict`. "
      "`null` means "
      "the default. A wrong field is answered with 400 and\n"
      "`{\"error\": {\"message\", \"type\", \"param\", \"code\"}}`, where `param` names it. The "
      "base URL for "
      "clients of OpenAI's API is\n`http://HOST:PORT/v1`.\n\n"
      "| path | what it does |\n|---|---|\n";
  for (const PostRoute& route : kPostRoutes)
    page += fmt::format("| `POST {}` | {} |\n", route.path, route.help);
  for (const GetRoute& route : kGetRoutes)
    page += fmt::format("| `{} {}` | {} |\n", route.method == "get" ? "GET" : "DELETE", route.path,
                        route.help);
  for (const PostRoute& route : kPostRoutes)
    page += fmt::format("\n## POST {}\n\n{}\n\n```\n{}\n```\n\n```\n{}\n```\n\n{}", route.path,
                        route.help, route.request, route.answer, fields_page(route.kind));
  return page;
}

}  // namespace tinyllm
