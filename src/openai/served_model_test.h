#pragma once
// For tests: an engine as the API sees it, with a cache of grammars.

#include <memory>

#include "client/grammar_cache.h"
#include "openai/served_model.h"

namespace tinyllm {

// `engine` has a tokenizer and must outlive it.
inline ServedModel serve_for_test(Engine& engine) {
  ServedModel model;
  model.engine = &engine;
  model.names = {"tiny"};
  model.grammars = std::make_shared<GrammarCache>(engine.text());
  return model;
}

}  // namespace tinyllm
