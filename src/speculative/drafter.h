#pragma once
// Who guesses how a text goes on. What a drafter proposes is verified by the model, so a wrong
// guess costs time and never a token. Engine thread only.

#include <cstdint>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "schedule/sequence.h"

namespace tinyllm {

struct Draft {
  TokenId token_id = 0;
  float confidence = 0;  // the chance that it is right if those before it are, (0, 1]
};

// Who knows more of a text than a drafter, a grammar say: cuts its guesses where they cannot be right,
// and puts in what is certain, up to n_most.
using GuideDrafts =
    function_ref<void(const Sequence& sequence, std::int64_t n_most, std::vector<Draft>& drafts)>;

class Drafter {
 public:
  virtual ~Drafter() = default;
  // At most n_most guesses of what follows all known tokens of a sequence, in order, into `drafts`
  // (empty when called).
  virtual void propose(const Sequence& sequence, std::int64_t n_most,
                       std::vector<Draft>& drafts) = 0;
  // The sequence has ended, for whatever reason; it may never have been asked for.
  virtual void end(const Sequence&) {}
};

}  // namespace tinyllm
