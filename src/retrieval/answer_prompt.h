#pragma once
// What a model is given to answer from: numbered sources, then the question. Pure functions; any
// thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "retrieval/document_index.h"

namespace tinyllm {

// What the model says where nothing answers.
inline constexpr std::string_view kNoAnswer = "The sources do not tell.";

// The system message.
std::string answer_rules();

// "engine.md:45" or "paper.pdf:page 3": where a chunk begins.
std::string place_of(const StoredChunk& chunk);

struct AnswerPrompt {
  std::vector<StoredChunk> sources;  // [n] is sources[n - 1]
  std::string message;               // of the user
};

// Takes the chunks, best first, as far as `max_tokens` tokens (by `count`) hold them. In the prompt
// they stand by path and place, so that questions about the same sources begin with the same
// tokens, whose keys and values can be reused. Every line of a source's text begins with "> ", so
// no document can forge another source or the question. No sources: not even the first fits.
AnswerPrompt make_answer_prompt(std::string_view question, const std::vector<StoredChunk>& chunks,
                                std::int64_t max_tokens,
                                function_ref<std::int64_t(std::string_view)> count);

}  // namespace tinyllm
