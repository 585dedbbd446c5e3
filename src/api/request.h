#pragma once
// One thing that a caller wants generated, in token ids. A plain struct.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/sampling_params.h"
#include "api/thinking_limit.h"

namespace tinyllm {

struct TextConstraint;  // grammar/text_constraint.h

inline constexpr std::int32_t kMaxLogprobs = 20;  // alternatives that a request may ask for
inline constexpr int kMaxChoices = 128;           // choices of one request

struct Request {
  std::vector<TokenId> prompt_ids;  // not empty, ids in [0, vocab_size)
  SamplingParams params;
  int n = 1;  // independent continuations, at most kMaxChoices; choice i draws with
              // seed + i
  int n_prompt_logprobs = -1;  // alternatives a prompt token, at most kMaxLogprobs; -1: none
  std::int32_t priority = 0;   // lower runs first, under the priority policy (schedule/scheduler.h)
  std::string cache_salt;      // requests with different salts share no cached prefix
  bool skip_special = true;    // special tokens are left out of the text
  std::string name;            // printable ASCII: what traces and views call it; "" for none
  // Raw logits of the last prompt position, with the first token: as many texts at a time as the
  // engine was opened for.
  bool want_logits = false;
  // What the texts must look like; null: like anything. They end where its grammar ends.
  std::shared_ptr<const TextConstraint> constraint;
  // How long the model may think before it answers; needs a tokenizer. Empty: as long as it likes.
  std::optional<ThinkingLimit> thinking = {};
};

}  // namespace tinyllm
