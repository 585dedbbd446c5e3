#pragma once
// What every command of the course works with, opened once. One thread.

#include <functional>
#include <string>
#include <vector>

#include "learn/learner_files.h"
#include "learn/report_check.h"

namespace tinyllm::learn {

struct SessionOptions {
  std::string folder;  // --folder: code/ and progress/ of somebody else, or of a test
  std::string model = "smollm2-135m";
  bool plain = false;       // no colours, no cursor movement, no keys
  bool only_reads = false;  // writes no skeleton and no progress
};

// What the progress says of a task, held against the learner's file as it is now.
enum class Verdict {
  open,     // never green, or red again
  changed,  // green once, and edited since: nobody knows
  green,
};

struct Session {
  explicit Session(const SessionOptions& options);
  ~Session();  // says warnings that were not said yet
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  CoursePaths paths;
  Course course;
  Progress progress;
  Style style;
  SessionOptions options;

  // The first task that is not green, from the day on where the learner started; behind the last one
  // come those before that day. nullptr when all are green.
  const Task* next_task() const;
  // Checks one task, notes the result in the progress and saves it. `became_green` tells the caller
  // of the first green. `explained`: looks longer for the cause.
  CheckResult check(const Task& task, bool* became_green = nullptr, bool explained = false);
  Verdict verdict(const Task& task) const;
  bool is_green(const Task& task) const { return verdict(task) == Verdict::green; }
  int n_green() const;
  // Changes the progress file as it is now, not as it was when this process read it: another
  // terminal may have written since.
  void note(const std::function<void(Progress&)>& change);
  // Says once on stderr what was wrong with the progress file: for whoever clears the screen.
  void say_warning();
};

}  // namespace tinyllm::learn
