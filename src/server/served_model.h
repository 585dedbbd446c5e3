#pragma once
// The running model as the routes see it, with the names it goes by. Immutable: any thread.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace tinyllm {

struct ServedModel {
  Engine* engine = nullptr;        // has a tokenizer
  std::vector<std::string> names;  // at least one; answers carry the first
  std::int64_t created = 0;        // seconds since 1970
  std::string fingerprint = {};    // "fp_...": the same for the same program, model and settings

  const Tokenizer& tokenizer() const { return *engine->text().tokenizer; }

  // Tokens of prompt and answer together.
  std::int64_t max_model_len() const {
    const EngineOptions& options = engine->options();
    return std::min<std::int64_t>(options.context,
                                  std::int64_t{options.kv_blocks} * options.block_size);
  }
};

}  // namespace tinyllm
