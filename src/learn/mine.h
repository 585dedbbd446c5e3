#pragma once
// The whole binary with the learner's operators in it: what `speak` and `--mine` run. One thread.

#include <filesystem>
#include <string>
#include <vector>

#include "learn/session.h"

namespace tinyllm::learn {

struct Mine {
  std::filesystem::path binary;
  std::vector<const Task*> yours;   // in the binary
  std::vector<const Task*> engine;  // the engine's own stands in
  std::vector<std::string> notes;   // why, where that is not plain: "softmax.row: does not compile"
  std::string kernels;              // for TINYLLM_KERNELS
};

// Takes every file that holds no placeholder and compiles, whether its tests are green or not: a
// mistake may be heard.
Mine build_mine(const Session& session);

// "yours here (2 of 4): norm.rms, softmax.row (not green); the engine's own: ...".
// `in_engine`: only what the batched engine calls counts as yours.
std::string describe(const Mine& mine, const Session& session, bool in_engine);

// `chat --mine` and the like: the learner's binary, with the same arguments without `--mine`, in the
// place of this process; chat and generate run as its child, and their last answer is compared with
// the engine's own. Says on stderr which operators are the learner's. Returns only by throwing
// Error.
[[noreturn]] void exec_mine(const std::vector<std::string>& arguments);

}  // namespace tinyllm::learn
