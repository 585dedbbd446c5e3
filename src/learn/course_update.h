#pragma once
// `learn update`: a new version of the course comes into the learner's branch.
// What the learner has written is committed first, the merge is tried,
// and it is either whole or did not happen. Main thread only.

#include <string>

#include "learn/session.h"

namespace tinyllm::learn {

struct UpdateOptions {
  std::string remote;  // where the course comes from; "": `upstream` if there is one, else `origin`
  bool yes = false;    // commit the learner's work without asking
  bool no_fetch = false;  // take what a `git fetch` by hand has brought
  bool merged = false;    // the second half, in a binary of the new version
};

// Fetches, merges, and starts `./tiny learn update --merged`, which builds and says what the new
// version changes for this learner. Throws Error{usage | io | network} that says what to do; branch
// and files are then as they were before.
void run_update_command(const SessionOptions& session, const UpdateOptions& options);

}  // namespace tinyllm::learn
