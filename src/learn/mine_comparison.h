#pragma once
// What `chat --mine` and `generate --mine` said, held against the engine's own operators in the same
// arithmetic: token by token, each after the same text before it. One thread.

#include <filesystem>
#include <string>

#include "base/function_ref.h"
#include "client/answer_log.h"
#include "learn/voice.h"

namespace tinyllm::learn {

// Of an answer that holds at least one token. The engine is set up as it was for that answer.
VoiceComparison compare_in_engine(const LoggedAnswer& answer);

// The comparison of the last answer of a log in words; "" when there is nothing to compare. Answers
// that were drawn by chance are not compared. `on_begin` is told the number of tokens before a
// comparison begins, which may take as long as the answer did.
std::string compare_last_answer(const std::filesystem::path& log,
                                function_ref<void(std::size_t n_tokens)> on_begin);

}  // namespace tinyllm::learn
