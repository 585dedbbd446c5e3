#pragma once
// Embedding models by name, as open_model has those that write. Any thread.

#include <memory>
#include <string>

#include "encoder/cross_encoder.h"
#include "encoder/embedder.h"

namespace tinyllm {

// Does this name or path mean an embedding model that is on this machine? Throws nothing.
bool is_embedder(const std::string& name);

// Throws Error{not_found}, Error{unsupported} for a model that writes text, and as Embedder does.
std::unique_ptr<Embedder> open_embedder(const std::string& name,
                                        const EmbedderOptions& options = {});

// The same of cross-encoders, which score pairs of texts.
bool is_cross_encoder(const std::string& name);
std::unique_ptr<CrossEncoder> open_cross_encoder(const std::string& name,
                                                 const EmbedderOptions& options = {});

}  // namespace tinyllm
