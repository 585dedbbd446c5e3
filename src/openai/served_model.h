#pragma once
// A running model as the API sees it, with the names it goes by. Immutable: any thread.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client/sampling_defaults.h"
#include "engine/engine.h"
#include "text/model_text.h"

namespace tinyllm {

class GrammarCache;
struct ToolFormat;
struct ReasoningFormat;

// What the operator lets one request ask for, besides the API's own limits.
struct AnswerLimits {
  int max_tokens = 0;                              // more is cut down to it; 0: no limit
  int n = kMaxChoices, n_logprobs = kMaxLogprobs;  // more is refused
  std::int64_t thinking_tokens = -1;               // where a request says nothing; -1: any number
};

struct ServedModel {
  Engine* engine = nullptr;        // has a tokenizer
  std::vector<std::string> names;  // at least one; answers carry the first
  std::int64_t created = 0;        // seconds since 1970
  std::string fingerprint = {};    // "fp_...": the same for the same program, model and settings
  AskedSampling sampling = {};     // where a request names none; before the authors' advice
  AnswerLimits limits = {};
  std::shared_ptr<GrammarCache> grammars = {};  // client/grammar_cache.h
  // How the model writes calls of tools and reasoning (choose_formats); nullptr: it does not.
  const ToolFormat* tool_format = nullptr;
  const ReasoningFormat* reasoning_format = nullptr;
  // Bytes of the longest token. A text of more than the context times so many cannot fit, and is
  // refused before it is tokenized. 0: every text is tokenized.
  std::int64_t longest_token = 0;

  const Tokenizer& tokenizer() const { return *engine->text().tokenizer; }

  std::int64_t max_model_len() const { return engine->max_model_len(); }
};

}  // namespace tinyllm
