#include "learn/mine.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "client/answer_log.h"
#include "learn/mine_comparison.h"
#include "learn/scratch_lock.h"
#include "learn/terminal_child.h"

namespace tinyllm::learn {
namespace {

// The commands that let a model compute.
constexpr std::string_view kComputing[] = {"chat",  "generate", "serve",
                                           "bench", "batch",    "perplexity"};

// Those that answer one person: there what was said is compared with the engine's own.
bool is_answering(const std::string& command) { return command == "chat" || command == "generate"; }

// Set while this lives; then as it was.
class EnvironmentVariable {
 public:
  EnvironmentVariable(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  ~EnvironmentVariable() { before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_); }
  EnvironmentVariable(const EnvironmentVariable&) = delete;
  EnvironmentVariable& operator=(const EnvironmentVariable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

// How far the engine's own operators would have given the last answer of the log. The answer itself
// is there: whatever is wrong with the comparison is no failure of the program.
std::string comparison_words(const std::filesystem::path& log) {
  try {
    return compare_last_answer(log, [](std::size_t n_tokens) {
      std::fprintf(stderr, "comparing %zu tokens with the engine's own choices ...\n", n_tokens);
    });
  } catch (const std::exception& error) {
    return fmt::format("(not compared: {})", error.what());
  }
}

// Lets the learner's binary answer on this terminal, then says how far the engine's own operators
// would have said the same. Returns the exit code.
int run_and_compare(const Session& session, const std::vector<std::string>& words,
                    const std::string& kernels) {
  const std::filesystem::path log =
      session.paths.scratch() / fmt::format("answers-{}.jsonl", ::getpid());
  std::filesystem::remove(log);
  const int code = [&] {
    const EnvironmentVariable logging(kAnswerLogVariable, log.string());
    const EnvironmentVariable choosing("TINYLLM_KERNELS", kernels);
    return run_on_terminal(words);
  }();
  const std::string words_of_it = code == 0 ? comparison_words(log) : "";
  std::filesystem::remove(log);
  if (!words_of_it.empty()) {
    std::fprintf(stderr, "%s\n", wrap(words_of_it, session.style.width, "  ").c_str());
  }
  return code;
}

const char* remark(Verdict verdict) {
  return verdict == Verdict::green     ? ""
         : verdict == Verdict::changed ? " (changed since its check)"
                                       : " (not green)";
}

std::string names_of(const std::vector<const Task*>& tasks, const Session& session, bool verdict) {
  std::string text;
  for (const Task* task : tasks) {
    text += text.empty() ? "" : ", ";
    text += task->id;
    if (verdict) text += remark(session.verdict(*task));
  }
  return text.empty() ? "none" : text;
}

}  // namespace

Mine build_mine(const Session& session) {
  const ScratchLock lock(session.paths);
  Mine mine;
  std::vector<std::filesystem::path> objects;
  std::vector<std::string> engine_files;
  for (const Task& task : session.course.tasks) {
    BuiltObject built;
    const std::filesystem::path file = session.paths.code() / task.learner_file;
    if (file_state(session.paths, task) == FileState::written) {
      built = build_object(session.paths, task, file);
      if (!built) mine.notes.push_back(task.id + ": does not compile, the engine's own stands in");
    }
    if (!built) {
      mine.engine.push_back(&task);
      continue;
    }
    mine.yours.push_back(&task);
    objects.push_back(built.object);
    engine_files.push_back(task.engine_file);
    if (!task.kernel.empty()) mine.kernels += (mine.kernels.empty() ? "" : ",") + task.kernel;
  }
  mine.binary = link_binary(session.paths, objects, engine_files, "mine");
  return mine;
}

std::string describe(const Mine& mine, const Session& session, bool in_engine) {
  std::vector<const Task*> yours, unused;
  for (const Task* task : mine.yours) {
    (in_engine && task->runs_in != RunsIn::engine ? unused : yours).push_back(task);
  }
  std::string text = fmt::format("yours here ({} of {}): {}", yours.size(),
                                 session.course.tasks.size(), names_of(yours, session, true));
  if (!mine.engine.empty()) text += "; the engine's own: " + names_of(mine.engine, session, false);
  if (!unused.empty()) {
    text += fmt::format("; yours, but used only with --engine reference or 'learn speak': {}",
                        names_of(unused, session, true));
  }
  for (const std::string& note : mine.notes) text += "\n" + note;
  return text;
}

void exec_mine(const std::vector<std::string>& arguments) {
  if (std::ranges::find(kComputing, arguments.front()) == std::end(kComputing)) {
    fail(ErrorCode::usage, "'{}' computes nothing with your operators; --mine goes with {}",
         arguments.front(), fmt::join(kComputing, ", "));
  }
  const Session session({});
  const Mine mine = build_mine(session);
  std::vector<std::string> words = {mine.binary.string()};
  bool in_engine = true;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--mine") continue;
    const bool after_engine = i > 0 && arguments[i - 1] == "--engine";
    if ((after_engine && arguments[i] == "reference") || arguments[i] == "--engine=reference") {
      in_engine = false;
    }
    words.push_back(arguments[i]);
  }
  const std::string banner = describe(mine, session, in_engine);
  std::fprintf(stderr, "%s\n", wrap(banner, session.style.width, "  ").c_str());
  const char* already = std::getenv("TINYLLM_KERNELS");
  std::string kernels = already == nullptr ? "" : already;
  if (!mine.kernels.empty()) kernels = mine.kernels + (kernels.empty() ? "" : "," + kernels);
  if (is_answering(arguments.front())) std::exit(run_and_compare(session, words, kernels));
  ::setenv("TINYLLM_KERNELS", kernels.c_str(), 1);
  std::vector<char*> list;
  for (std::string& word : words) list.push_back(word.data());
  list.push_back(nullptr);
  ::execv(list[0], list.data());
  fail(ErrorCode::io, "cannot start {}: {}", mine.binary.string(), std::strerror(errno));
}

}  // namespace tinyllm::learn
