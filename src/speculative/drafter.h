#pragma once
// Who guesses how a text goes on. What a drafter proposes is verified by the model, so a wrong
// guess costs time and never a token. Engine thread only.

#include <cstdint>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "schedule/sequence.h"
#include "speculative/step_cost.h"

namespace tinyllm {

struct Draft {
  TokenId token_id = 0;
  float confidence = 0;  // the chance that it is right if those before it are, (0, 1]
};

// Who knows more of a text than a drafter, a grammar say: cuts its guesses where they cannot be right,
// and puts in what is certain, up to n_most.
using GuideDrafts =
    function_ref<void(const Sequence& sequence, std::int64_t n_most, std::vector<Draft>& drafts)>;

// A sequence that is about to decode, and what was guessed for it: tokens that follow all known ones,
// in order.
struct DraftWish {
  const Sequence* sequence;
  std::int64_t n_most;         // drafts, > 0
  std::vector<Draft>* drafts;  // by the drafters asked before; a surer one may replace them
};

// What a drafter is asked once a step.
struct DraftRound {
  std::span<const DraftWish> wishes;
  std::int64_t n_decoding;  // sequences of the step, those that want no drafts included
  const StepCost& cost;     // of the steps that verify
  GuideDrafts guide;
};

class Drafter {
 public:
  virtual ~Drafter() = default;
  virtual void propose_all(const DraftRound& round) = 0;
  // The sequence has ended, for whatever reason; it may never have been asked for.
  virtual void end(const Sequence&) {}
};

// One that looks at one sequence at a time and takes no time to speak of.
class TextDrafter : public Drafter {
 public:
  void propose_all(const DraftRound& round) final {
    for (const DraftWish& wish : round.wishes) {
      if (wish.drafts->empty()) propose(*wish.sequence, wish.n_most, *wish.drafts);
    }
  }
  // At most n_most guesses into `drafts` (empty when called).
  virtual void propose(const Sequence& sequence, std::int64_t n_most,
                       std::vector<Draft>& drafts) = 0;
};

}  // namespace tinyllm
