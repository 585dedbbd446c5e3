#pragma once
// The encoders of `tinyllm serve`: an embedding model beside the one that writes (--embedder), or
// alone, and a cross-encoder (--reranker).

#include <memory>
#include <string>
#include <vector>

#include "apps/command.h"
#include "apps/engine_options.h"
#include "apps/tool_options.h"
#include "encoder/cross_encoder.h"
#include "encoder/embedder.h"
#include "server/server.h"

namespace tinyllm {

struct EmbedderFlags {
  std::string name;       // empty: none
  std::string precision;  // empty: int8
  std::string reranker;   // empty: none
};

void add_embedder_options(Command command, EmbedderFlags& flags);

// Is the model that is to be served an embedding model? Then the flags name it from now on. Throws
// Error{usage} where they name one already, and where they say something of none.
bool only_embeds(const std::string& model, EmbedderFlags& flags);

// Throws Error{usage} that names a flag which only a model that writes has use for; `model` embeds.
void refuse_flags_of_writers(const std::string& model, const ToolOptions& tools,
                             const EngineFlags& engine);

// Opens it and says so in the log. n_threads: 0 for all physical cores.
std::unique_ptr<Embedder> open_served_embedder(const EmbedderFlags& flags, int n_threads);

// Opens the cross-encoder of --reranker, says so in the log, and offers it. It must outlive the
// server. name: what clients call it. nullptr: there is none.
std::unique_ptr<CrossEncoder> offer_reranker(Server& server, const EmbedderFlags& flags,
                                             const std::string& name, int n_threads);

// names: what clients call it; at least one.
void offer_embedder(Server& server, const Embedder& embedder, std::vector<std::string> names);

}  // namespace tinyllm
