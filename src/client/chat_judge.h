#pragma once
// How well documents answer a query, judged by a model that writes: it is asked for "yes" or "no",
// and the score is the share of "yes" in what it would say (Qwen3-Reranker's way; Zhuang et al.
// 2023). The documents of a query are asked together, and share the beginning of their prompts. Any
// thread but the engine's.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/function_ref.h"

namespace tinyllm {

class Engine;

struct JudgedPair {
  std::string_view query, document;
};

struct Judgement {
  std::vector<float> scores;  // in [0, 1], one a pair; empty: it was stopped
  std::int64_t n_tokens = 0;  // of the prompts
};

// A document that does not fit into the context is cut at its end.
// `go_on` is asked at least every 50 ms; once it says no, what runs is cancelled and there are no
// scores. Throws Error{unsupported} for a model without a chat template, Error{context_overflow} where
// the query leaves no room for a document, and Error{invalid_input} where the engine fails.
Judgement judge(Engine& engine, std::span<const JudgedPair> pairs, function_ref<bool()> go_on);

// The share of "yes" among "yes" and "no", whatever their case and the space before them. What is
// not in the list counts as the last of it; 0.5 where neither is. top: by logprob, descending.
struct LikelyToken {
  std::string_view text;
  float logprob;
};
float share_of_yes(std::span<const LikelyToken> top);

}  // namespace tinyllm
