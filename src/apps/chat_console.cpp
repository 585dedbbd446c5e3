#include "apps/chat_console.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <optional>
#include <string_view>
#include <vector>

#include "apps/progress_bar.h"
#include "apps/standard_output.h"
#include "apps/terminal.h"
#include "base/error.h"
#include "base/interrupt.h"

namespace tinyllm {
namespace {

constexpr const char* kHelp =
    "  /help          this list\n"
    "  /reset         forget the talk so far\n"
    "  /system TEXT   a new talk under this system prompt; without TEXT the model's own\n"
    "  /stats         speed, context, seed\n"
    "  /exit          leave (also Ctrl-D)\n"
    "  \\              at the end of a line: the message goes on in the next one\n"
    "  \"\"\"            before and after a message of several lines\n"
    "  Ctrl-C         stops the answer\n";

// A line for the person at the terminal; not part of any answer.
void say(std::string_view text) { std::fprintf(stderr, "%s\n", dim(text, STDERR_FILENO).c_str()); }

std::string_view trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\n");
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\n") - begin + 1);
}

constexpr const char* kCommands[] = {"/exit", "/help", "/reset", "/stats", "/system"};

// The commands that begin with `line`.
std::vector<std::string> complete_command(const std::string& line) {
  std::vector<std::string> commands;
  for (const std::string_view command : kCommands) {
    if (!line.empty() && command.starts_with(line)) commands.emplace_back(command);
  }
  return commands;
}

double per_second(std::int64_t n, double seconds) {
  return seconds > 0 ? static_cast<double>(n) / seconds : 0.0;
}

// The first token's time belongs to the prompt.
double decode_rate(const ChatAnswer& answer) {
  return per_second(answer.n_tokens - 1, answer.decode_s);
}

// The line under an answer.
std::string summary_of(const ChatAnswer& answer) {
  const bool stopped = answer.finish_reason == FinishReason::cancelled;
  if (answer.n_tokens == 0) return stopped ? "stopped" : "nothing to say";
  std::string text = fmt::format("{}{} token{}", stopped ? "stopped: " : "", answer.n_tokens,
                                 answer.n_tokens == 1 ? "" : "s");
  if (answer.n_tokens > 1) text += fmt::format(", {:.1f} tok/s", decode_rate(answer));
  return text;
}

}  // namespace

ChatConsole::ChatConsole(ChatSession& session, ChatFacts facts)
    : session_(session), facts_(std::move(facts)) {}

void ChatConsole::greet() {
  if (!editor_->interactive()) return;
  say(facts_.model);
  say(facts_.about_engine);
  say("/help lists what you can type; Ctrl-C stops an answer, Ctrl-D leaves");
}

bool ChatConsole::talk() {
  editor_ = std::make_unique<LineEditor>(
      LineEditorOptions{.history_file = facts_.history_file, .complete = complete_command});
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
    if (trim(message).empty()) continue;
    if (handle(message) == Next::leave) return !failed_;
  }
  if (editor_->interactive()) std::fputs("\n", stderr);
  return !failed_;
}

ChatConsole::Next ChatConsole::handle(const std::string& message) {
  if (message.starts_with('/')) return run_command(message);
  failed_ = !answer(message);
  return Next::go_on;
}

ChatConsole::Next ChatConsole::run_command(const std::string& line) {
  const std::size_t space = std::min(line.find_first_of(" \t\n"), line.size());
  const std::string command = line.substr(0, space);
  const std::string argument(trim(std::string_view(line).substr(space)));
  if (command == "/exit" || command == "/quit" || command == "/bye") return Next::leave;
  if (command == "/help" || command == "/?") {
    std::fputs(kHelp, stderr);
  } else if (command == "/reset" || command == "/clear") {
    session_.reset();
    say("(a new talk)");
  } else if (command == "/system") {
    session_.set_system(argument);
    say(argument.empty() ? "(the model's own system prompt; a new talk)"
                         : "(system prompt set; a new talk)");
  } else if (command == "/stats") {
    show_stats();
  } else {
    say(fmt::format(
        "({} is not a command here: /help lists them; a space before it sends it as text)",
        command));
  }
  return Next::go_on;
}

void ChatConsole::show_stats() const {
  std::string text =
      fmt::format("  model      {}\n  engine     {}\n  sampling   {}\n  seed       {}\n",
                  facts_.model, facts_.about_engine, facts_.sampling, facts_.seed);
  text += fmt::format("  context    {} of {} tokens, {} turn{}\n", session_.n_context_tokens(),
                      facts_.context, session_.n_turns(), session_.n_turns() == 1 ? "" : "s");
  if (last_.n_tokens > 0) {
    const std::int64_t n_computed = last_.n_prompt_tokens - last_.n_reused_tokens;
    text += fmt::format("  last       prompt {} tokens ({} kept from before), {:.1f} tok/s\n",
                        last_.n_prompt_tokens, last_.n_reused_tokens,
                        per_second(n_computed, last_.prefill_s));
    text += fmt::format("             answer {} tokens, {:.1f} tok/s, first after {:.2f} s\n",
                        last_.n_tokens, decode_rate(last_), last_.prefill_s);
    text += fmt::format("  all        {} tokens, {:.1f} tok/s\n", total_tokens_,
                        per_second(total_tokens_, total_decode_s_));
  }
  std::fputs(text.c_str(), stderr);
}

ChatAnswer ChatConsole::stream(const std::string& message, function_ref<bool()> interrupted) {
  ProgressBar progress("reading", 0);
  const auto on_text = [&](std::string_view text) {
    progress.clear();
    write_stdout(text);
  };
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
      session_.answer(message, {on_text, on_dropped, on_prefill, interrupted});
  progress.clear();
  const bool stopped_early = answer.text.empty() && answer.finish_reason == FinishReason::cancelled;
  if (!stopped_early) write_stdout("\n");
  if (answer.context_full) {
    say(fmt::format("(the context of {} tokens is full: the answer was cut; /reset starts anew)",
                    facts_.context));
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
      last_ = stream(message, [&] { return editor_->take_interrupt() || interrupt.raised(); });
      say(summary_of(last_));
      std::fputs("\n", stderr);
    }
  } catch (const Error& error) {
    // A message that does not fit, a template that refuses: the talk goes on.
    if (error.code() != ErrorCode::context_overflow && error.code() != ErrorCode::invalid_input) {
      throw;
    }
    std::fprintf(stderr, "tinyllm: %s\n", error.what());
    if (error.code() == ErrorCode::context_overflow && session_.n_turns() > 0)
      say("(the talk so far is part of the prompt: /reset forgets it)");
    return false;
  }
  total_tokens_ += last_.n_tokens;
  total_decode_s_ += last_.decode_s;
  return true;
}

}  // namespace tinyllm
