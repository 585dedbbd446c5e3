#include "apps/serve_embedder.h"

#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "client/open_embedder.h"

namespace tinyllm {
namespace {

const char* name_of_precision(const EmbedderFlags& flags) {
  return flags.precision == "f32" ? "f32" : "int8";
}

EncoderPrecision precision_of(const EmbedderFlags& flags) {
  return flags.precision == "f32" ? EncoderPrecision::f32 : EncoderPrecision::int8;
}

std::int64_t unix_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

}  // namespace

void add_embedder_options(Command command, EmbedderFlags& flags) {
  constexpr const char* kGroup = "Embeddings";
  command
      .add_option("--embedder", flags.name,
                  "An embedding model beside the one that writes, for /v1/embeddings")
      .type_name("NAME")
      .group(kGroup);
  command
      .add_option("--embedder-precision", flags.precision,
                  "Of its weights: int8 is about twice as fast")
      .one_of({"int8", "f32"})
      .group(kGroup)
      .default_text("int8");
  command
      .add_option("--reranker", flags.reranker,
                  "A cross-encoder for /v1/rerank and /v1/score; without it the model that writes "
                  "judges")
      .type_name("NAME")
      .group(kGroup);
}

bool only_embeds(const std::string& model, EmbedderFlags& flags) {
  if (!is_embedder(model)) {
    if (flags.name.empty() && flags.reranker.empty() && !flags.precision.empty())
      fail(ErrorCode::usage, "--embedder-precision has no --embedder NAME to go with");
    return false;
  }
  if (!flags.name.empty()) {
    fail(ErrorCode::usage, "{} and --embedder {} are both embedding models; give one of them",
         model, flags.name);
  }
  flags.name = model;
  return true;
}

void refuse_flags_of_writers(const std::string& model, const ToolOptions& tools,
                             const EngineFlags& engine) {
  const std::pair<const char*, bool> flags[] = {
      {"--tools", tools.tools},
      {"--tools-folder", !tools.folder.empty()},
      {"--mcp", !tools.mcp_file.empty()},
      {"--allow-tool", !tools.allowed.empty()},
      {"--draft-model", !engine.draft_model.empty()},
      {"--kv-store", !engine.kv_store.empty()},
  };
  for (const auto& [flag, is_given] : flags) {
    if (!is_given) continue;
    fail(ErrorCode::usage,
         "{0} has no use here: {1} is an embedding model, which writes no text; serve a model that "
         "does, with --embedder {1}",
         flag, model);
  }
}

std::unique_ptr<Embedder> open_served_embedder(const EmbedderFlags& flags, int n_threads) {
  std::unique_ptr<Embedder> embedder = open_embedder(flags.name, {precision_of(flags), n_threads});
  log(LogLevel::info, "embeddings: {}, {} dimensions, texts of at most {} tokens, {}", flags.name,
      embedder->n_dims(), embedder->max_seq_len(), name_of_precision(flags));
  return embedder;
}

std::unique_ptr<CrossEncoder> offer_reranker(Server& server, const EmbedderFlags& flags,
                                             const std::string& name, int n_threads) {
  if (flags.reranker.empty()) return nullptr;
  std::unique_ptr<CrossEncoder> model =
      open_cross_encoder(flags.reranker, {precision_of(flags), n_threads});
  log(LogLevel::info, "rerank: {}, pairs of at most {} tokens, {}", flags.reranker,
      model->max_seq_len(), name_of_precision(flags));
  server.add_reranker({.model = model.get(), .names = {name}, .created = unix_time()});
  return model;
}

void offer_embedder(Server& server, const Embedder& embedder, std::vector<std::string> names) {
  server.add_embedder({.embedder = &embedder, .names = std::move(names), .created = unix_time()});
}

}  // namespace tinyllm
