#pragma once
// What a program answered, token by token, for whoever started it to look at afterwards: a line of
// JSON an answer. `tinyllm chat --mine` compares so what a learner's operators said. One thread.

#include <filesystem>
#include <memory>
#include <vector>

#include "client/completer.h"

namespace tinyllm {

// The environment variable that names the file. Not set: nothing is kept.
inline constexpr const char* kAnswerLogVariable = "TINYLLM_ANSWER_LOG";

struct LoggedAnswer {
  std::string model;  // as open_checkpoint takes it
  std::vector<TokenId> prompt_ids, token_ids;
  bool greedy = false;     // each token is the likeliest one, and nothing bends the logits
  bool reference = false;  // computed by the plain f32 path
  // What changes the numbers that a model computes: context, device, kv.type and quantise. All else
  // is left as it is by default.
  EngineOptions engine;
};

// `completer`, and every answer that it gives is appended to `file`.
std::unique_ptr<Completer> with_answer_log(std::unique_ptr<Completer> completer,
                                           const Checkpoint& checkpoint,
                                           const CompleterOptions& options,
                                           std::filesystem::path file);

// Empty when there is no such file. Throws Error{io | invalid_input}.
std::vector<LoggedAnswer> read_answer_log(const std::filesystem::path& file);

}  // namespace tinyllm
