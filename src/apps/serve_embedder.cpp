#include "apps/serve_embedder.h"

#include <chrono>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "client/open_embedder.h"

namespace tinyllm {

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
      .show_default();
}

bool only_embeds(const std::string& model, EmbedderFlags& flags) {
  if (!is_embedder(model)) return false;
  if (!flags.name.empty()) {
    fail(ErrorCode::usage, "{} and --embedder {} are both embedding models; give one of them",
         model, flags.name);
  }
  flags.name = model;
  return true;
}

std::unique_ptr<Embedder> open_served_embedder(const EmbedderFlags& flags, int n_threads) {
  const EncoderPrecision precision =
      flags.precision == "f32" ? EncoderPrecision::f32 : EncoderPrecision::int8;
  std::unique_ptr<Embedder> embedder = open_embedder(flags.name, {precision, n_threads});
  log(LogLevel::info, "embeddings: {}, {} dimensions, texts of at most {} tokens, {}", flags.name,
      embedder->n_dims(), embedder->max_seq_len(), flags.precision);
  return embedder;
}

void offer_embedder(Server& server, const Embedder& embedder, std::vector<std::string> names) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  server.add_embedder({.embedder = &embedder,
                       .names = std::move(names),
                       .created = std::chrono::duration_cast<std::chrono::seconds>(now).count()});
}

}  // namespace tinyllm
