#pragma once
// A running model as the API sees it, with the names it goes by. Immutable: any thread.

#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "text/model_text.h"

namespace tinyllm {

struct ServedModel {
  Engine* engine = nullptr;        // has a tokenizer
  std::vector<std::string> names;  // at least one; answers carry the first
  std::int64_t created = 0;        // seconds since 1970
  std::string fingerprint = {};    // "fp_...": the same for the same program, model and settings

  const Tokenizer& tokenizer() const { return *engine->text().tokenizer; }

  std::int64_t max_model_len() const { return engine->max_model_len(); }
};

}  // namespace tinyllm
