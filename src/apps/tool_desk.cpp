#include "apps/tool_desk.h"

#include <fmt/core.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <utility>

#include "apps/printable.h"
#include "apps/terminal.h"

namespace tinyllm {
namespace {

constexpr std::size_t kMaxShownBytes = 2000;
constexpr int kMaxShownLines = 12;
constexpr std::size_t kMaxAboutBytes = 60;  // of a description

void tell(std::string_view text) { std::fprintf(stderr, "%s\n", dim(text, STDERR_FILENO).c_str()); }

// The begin of a text for a person.
std::string begin_of(const std::string& text) {
  std::string shown = printable(text.substr(0, kMaxShownBytes), /*several_lines=*/true);
  std::size_t end = shown.find('\n');
  for (int line = 1; line < kMaxShownLines && end != std::string::npos; ++line)
    end = shown.find('\n', end + 1);
  const bool is_cut =
      text.size() > kMaxShownBytes || (end != std::string::npos && end + 1 < shown.size());
  if (end != std::string::npos) shown.resize(end);
  while (shown.ends_with('\n')) shown.pop_back();
  return is_cut ? shown + fmt::format("\n... ({} bytes in all)", text.size()) : shown;
}

// JSON in one line: its strings hold no line's end, so what stands around one is layout.
std::string one_line(std::string_view json) {
  std::string out;
  bool in_layout = false;
  for (const char c : json) {
    if (c == '\n' || c == '\r') {
      in_layout = true;
    } else if (!in_layout || (c != ' ' && c != '\t')) {
      if (std::exchange(in_layout, false)) out += ' ';
      out += c;
    }
  }
  return out;
}

std::string indented(std::string_view text) {
  std::string out = "  ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "  ";
  }
  return out;
}

// The first sentence of a description, or its first words.
std::string about(std::string_view description) {
  const std::string_view sentence = description.substr(0, description.find_first_of(".\n"));
  if (sentence.size() <= kMaxAboutBytes) return printable(sentence);
  const std::string_view begin = sentence.substr(0, kMaxAboutBytes);
  return printable(begin.substr(0, begin.rfind(' '))) + " ...";
}

void show_result(const ToolResult& result) {
  tell(indented((result.is_error ? "error: " : "= ") + begin_of(result.text)));
}

void show_reasoning(std::string_view text) {
  std::fputs(dim(printable(text, /*several_lines=*/true), STDERR_FILENO).c_str(), stderr);
}

// The answer to a question; what was typed before the question is none.
InputEvent read_reply(LineEditor* editor, std::string& line) {
  constexpr const char* kQuestion = "  run it? [y]es, [n]o, [a]lways for this tool: ";
  if (editor != nullptr) return editor->read_reply(kQuestion, line);
  ::tcflush(STDIN_FILENO, TCIFLUSH);
  std::fputs(kQuestion, stderr);
  return std::getline(std::cin, line) ? InputEvent::text : InputEvent::end;
}

}  // namespace

ToolDesk::ToolDesk(const ToolOptions& options)
    : tools_(open_tools(options, [](const std::string& line) { tell("(" + line + ")"); })) {}

ToolChatHooks ToolDesk::hooks() {
  return {.approve = [this](const AgentCall& call) { return approve(call); },
          .on_result = [](const AgentCall&, const ToolResult& result) { show_result(result); },
          .on_reasoning = show_reasoning};
}

std::string ToolDesk::list() const {
  std::string lines;
  for (const Tool& tool : tools_->box.tools()) {
    lines +=
        fmt::format("  {:<16} {}: {}\n", tool.name,
                    tools_->allowed.contains(tool.name) ? "runs" : "asks", about(tool.description));
  }
  return lines.empty() ? "  none\n" : lines;
}

void ToolDesk::begin_answer(std::function<void()> pause, std::function<bool()> interrupted,
                            LineEditor* editor) {
  pause_ = std::move(pause);
  interrupted_ = std::move(interrupted);
  editor_ = editor;
}

// What somebody is asked about is shown whole.
Approval ToolDesk::approve(const AgentCall& call) {
  pause_();
  const std::string arguments = one_line(call.arguments);
  const bool is_allowed = tools_->allowed.contains(call.name);
  const bool is_whole = !is_allowed && arguments.size() <= kMaxAskedBytes;
  tell(indented(plain_to_see(call.name) + " " +
                (is_whole ? plain_to_see(arguments) : begin_of(arguments))));
  if (is_allowed) return Approval::run;
  if (is_whole) return ask(call.name);
  tell(fmt::format("  (not run: its arguments have {} bytes, too many to ask about)",
                   arguments.size()));
  return Approval::too_long;
}

Approval ToolDesk::ask(const std::string& name) {
  const bool can_ask = editor_ != nullptr ? editor_->interactive() : is_terminal(STDIN_FILENO);
  if (!can_ask || !is_terminal(STDERR_FILENO)) {
    tell(fmt::format("  (not run: there is nobody to ask; --allow-tool {} allows it)", name));
    return Approval::refuse;
  }
  while (true) {
    std::string line;
    const InputEvent event = read_reply(editor_, line);
    if (event == InputEvent::interrupted || interrupted_()) return Approval::stop;
    if (event == InputEvent::end || line == "n" || line == "no") return Approval::refuse;
    if (line == "a" || line == "always") tools_->allowed.insert(name);
    if (line == "y" || line == "yes" || tools_->allowed.contains(name)) return Approval::run;
  }
}

}  // namespace tinyllm
