#include "agent/learn_check.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/child_process.h"
#include "base/clock.h"
#include "base/error.h"

namespace tinyllm {
namespace {

constexpr double kMaxSeconds = 300;

}  // namespace

Tool make_learn_check(std::vector<std::string> command) {
  return {.name = "learn_check",
          .description =
              "Judges the learner's solution of a task of the course: compiles it, runs "
              "the task's tests and tells what is right and what is wrong. Without a task "
              "it judges the one that is open.",
          .parameters = R"({"type": "object", "properties": {"task": {"type": "string",)"
                        R"( "description": "The task's name, for example norm.rms"}},)"
                        R"( "additionalProperties": false})",
          .call = [command = std::move(command)](const nlohmann::ordered_json& arguments,
                                                 function_ref<bool()> interrupted) {
            std::vector<std::string> words = command;
            const std::string task = text_argument_or(arguments, "task", "");
            if (task.starts_with('-'))
              fail(ErrorCode::invalid_input, "'task' must be a task's name");
            if (!task.empty()) words.push_back(task);
            const Stopwatch clock;
            const ChildResult done = run_child(words, {{"NO_COLOR", "1"}}, [&](std::string_view) {
              return !interrupted() && clock.seconds() < kMaxSeconds;
            });
            if (done.stopped)
              return ToolResult{fmt::format("stopped after {:.0f} s", clock.seconds()), true};
            return ToolResult{done.output + fmt::format("[exit code {}]", done.exit_code),
                              done.exit_code != 0};
          }};
}

}  // namespace tinyllm
