#pragma once
// One process at a time works in a learner's scratch folder and writes their progress: the loop in
// one terminal and a command in another share objects, binaries, reports and one file of state.

#include "learn/course_paths.h"

namespace tinyllm::learn {

// Held from construction to destruction; waits for another process as long as that holds it, and
// says so on stderr when that takes longer than a moment. May be nested within a process. Main thread only. Throws Error{io} when the folder cannot be written.
class ScratchLock {
 public:
  explicit ScratchLock(const CoursePaths& paths);
  ~ScratchLock();
  ScratchLock(const ScratchLock&) = delete;
  ScratchLock& operator=(const ScratchLock&) = delete;
};

}  // namespace tinyllm::learn
