#pragma once
// The commands of `./tiny learn` that do one thing and end. Each opens a Session, prints to stdout
// and throws Error for what the learner must know. Main thread only.

#include <string>

#include "learn/session.h"

namespace tinyllm::learn {

struct CheckCommand {
  std::string word;  // a task, a day, or "": the next task that is not green
  bool all = false;
  bool explained = false;  // `learn explain`
  bool keep = false;       // a mistake that nobody knows: a copy of it goes into notes/mistakes/
  bool as_json = false, as_junit = false;
};

// Throws Error{not_yet} (exit code 1) after printing when a task is not green.
void run_check_command(const SessionOptions& options, const CheckCommand& command);

// `prompt` "": that of the task before the next one.
void run_speak_command(const SessionOptions& options, const std::string& prompt);
// The same within a session, for the watch.
void speak_mine(const Session& session, const std::string& prompt);

// `learn`: the loop over all tasks.
void run_learn_command(const SessionOptions& options);

// `learn start 1.5`: from now on the way begins at this day. Says what stands in for what comes before.
void run_start_command(const SessionOptions& options, const std::string& day);

// `learn day 1.4`: lesson, session page, the loop over the day's tasks, questions, tracker.
// The answers are read from stdin, one per line.
void run_day_command(const SessionOptions& options, const std::string& day);

}  // namespace tinyllm::learn
