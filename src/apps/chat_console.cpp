#include "apps/chat_console.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <optional>
#include <utility>

#include "apps/called_as.h"
#include "apps/printable.h"
#include "apps/progress_bar.h"
#include "apps/standard_output.h"
#include "apps/terminal.h"
#include "base/error.h"
#include "base/interrupt.h"

namespace tinyllm {
namespace {

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\n") == text.npos; }

// The line under an answer.
std::string summary_of(const ChatAnswer& answer) {
  const bool stopped = answer.finish_reason == FinishReason::cancelled;
  if (answer.n_tokens == 0) return stopped ? "stopped" : "nothing to say";
  std::string text = fmt::format("{}{} token{}", stopped ? "stopped: " : "", answer.n_tokens,
                                 answer.n_tokens == 1 ? "" : "s");
  // The first token's time belongs to the prompt.
  if (answer.n_tokens > 1 && answer.decode_s > 0)
    text +=
        fmt::format(", {:.1f} tok/s", static_cast<double>(answer.n_tokens - 1) / answer.decode_s);
  return text;
}

// "/stats" and its like stand on one line; a pasted text that begins with a slash is a message.
bool is_command(const std::string& message) {
  return message.starts_with('/') && message.find('\n') == message.npos;
}

}  // namespace

void say(std::string_view text) { std::fprintf(stderr, "%s\n", dim(text, STDERR_FILENO).c_str()); }

ChatConsole::ChatConsole(std::unique_ptr<ChatModel> model, ChatConsoleOptions options)
    : model_(std::move(model)), options_(std::move(options)) {}

void ChatConsole::greet() {
  if (!editor_->interactive()) return;
  say(fmt::format("{}: {}; it remembers {} tokens of a talk", model_->title(), model_->size(),
                  model_->context()));
  say("/help lists what you can type; Ctrl-C stops an answer, Ctrl-D leaves");
}

bool ChatConsole::talk() {
  editor_ = std::make_unique<LineEditor>(
      LineEditorOptions{.history_file = options_.history_file, .complete = complete_chat_line});
  greet();
  int n_interrupts = 0;
  const auto read_line = [&](bool continued, std::string& line) {
    const InputEvent event = editor_->read(continued ? ". " : "> ", line);
    if (event == InputEvent::text) editor_->remember(line);
    return event;
  };
  std::string message;
  while (true) {
    const InputEvent event = read_message(read_line, message);
    if (event == InputEvent::end) break;
    if (event == InputEvent::interrupted) {
      if (++n_interrupts == 2) break;
      say("(Ctrl-C again or Ctrl-D leaves)");
      continue;
    }
    n_interrupts = 0;
    if (is_blank(message)) continue;
    if (handle(message) == Next::leave) return !failed_;
  }
  if (editor_->interactive()) std::fputs("\n", stderr);
  return !failed_;
}

ChatConsole::Next ChatConsole::handle(const std::string& message) {
  if (is_command(message)) return run_command(message);
  failed_ = !answer(message);
  return Next::go_on;
}

ChatAnswer ChatConsole::stream(const std::string& message, function_ref<bool()> interrupted) {
  ProgressBar progress("reading", 0);
  std::optional<AnswerView> view(stdout_style());
  bool line_is_open = false;  // something was written, and no line's end yet
  const auto on_text = [&](std::string_view text) {
    progress.clear();
    write_stdout(view->add(text));
    line_is_open = true;
  };
  // Before a call of a tool is shown.
  const auto pause = [&] {
    progress.clear();
    write_stdout(view->finish());
    if (std::exchange(line_is_open, false)) write_stdout("\n");
    view.emplace(stdout_style());
  };
  if (options_.tools != nullptr) options_.tools->begin_answer(pause, interrupted, editor_.get());
  const auto on_prefill = [&](std::int64_t n_done, std::int64_t n_total) {
    progress.set_total(n_total);
    progress.update(n_done);
  };
  const auto on_dropped = [&](std::int64_t n_turns) {
    progress.clear();
    say(fmt::format("(the context is full: the oldest {} forgotten)",
                    n_turns == 1 ? "turn is" : fmt::format("{} turns are", n_turns)));
  };
  const ChatAnswer answer =
      session().answer(message, {on_text, on_dropped, on_prefill, interrupted});
  progress.clear();
  const bool stopped_early = answer.text.empty() && answer.finish_reason == FinishReason::cancelled;
  write_stdout(view->finish());
  if (!stopped_early) write_stdout("\n");
  if (answer.context_full) {
    say(fmt::format("(the context of {} tokens is full: the answer was cut; /reset starts anew)",
                    model_->context()));
  }
  return answer;
}

ChatAnswer ChatConsole::answer_once(const std::string& message) {
  return stream(message, [] { return false; });
}

bool ChatConsole::answer(const std::string& message) {
  try {
    if (!editor_->interactive()) {
      last_ = answer_once(message);
    } else {
      const InterruptFlag interrupt;
      bool is_stopped = false;  // a key is taken once, and several ask for it
      last_ = stream(message, [&] {
        return is_stopped = is_stopped || editor_->take_interrupt() || interrupt.raised();
      });
      say(summary_of(last_));
      std::fputs("\n", stderr);
    }
  } catch (const Error& error) {
    // A message that does not fit, a template that refuses: the talk goes on.
    if (error.code() != ErrorCode::context_overflow && error.code() != ErrorCode::invalid_input) {
      throw;
    }
    std::fprintf(stderr, "tinyllm: %s\n", printable(as_called(error.what())).c_str());
    if (error.code() == ErrorCode::context_overflow && session().n_turns() > 0)
      say("(the talk so far is part of the prompt: /reset forgets it)");
    return false;
  }
  total_tokens_ += last_.n_tokens;
  total_decode_s_ += last_.decode_s;
  return true;
}

}  // namespace tinyllm
