#pragma once
// "Name that bug": the model answers with one operator
// secretly broken, the learner guesses which. Main thread only.

#include "learn/session.h"

namespace tinyllm::learn {

struct EarOptions {
  int rounds = 10;
  std::uint64_t seed = 0;  // 0: by the clock
};

// "(day 1.4: ./tiny learn read 1.4)", or that no lesson of that day teaches the operator yet.
std::string lesson_link(const Course& course, const Mutant& bug);

// Reads guesses from stdin, one per line. The score is kept when at least one round was played.
void run_ear(const SessionOptions& options, const EarOptions& ear);

}  // namespace tinyllm::learn
