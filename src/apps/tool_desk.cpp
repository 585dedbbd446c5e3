#include "apps/tool_desk.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <utility>
#include <vector>

#include "agent/calculator.h"
#include "agent/date_time.h"
#include "agent/learn_check.h"
#include "agent/mcp_config.h"
#include "agent/tools_folder.h"
#include "apps/printable.h"
#include "apps/terminal.h"
#include "base/error.h"
#include "learn/course_paths.h"

namespace tinyllm {
namespace {

constexpr std::size_t kMaxShownBytes = 2000;
constexpr int kMaxShownLines = 12;
constexpr std::size_t kMaxAboutBytes = 60;  // of a description

void tell(std::string_view text) { std::fprintf(stderr, "%s\n", dim(text, STDERR_FILENO).c_str()); }

bool has_course() {
  try {
    learn::find_course("");
    return true;
  } catch (const Error&) {
    return false;
  }
}

void add_own_tools(ToolBox& box, const ToolOptions& options) {
  if (options.tools) {
    box.add(make_calculator());
    box.add(make_date_time());
    if (has_course()) {
      std::error_code error;
      const auto binary = std::filesystem::read_symlink("/proc/self/exe", error);
      box.add(make_learn_check({binary.string(), "learn", "check"}));
    }
  }
  if (!options.folder.empty()) add_folder_tools(box, options.folder);
}

// The begin of a text for a person.
std::string begin_of(const std::string& text) {
  std::string shown = printable(text.substr(0, kMaxShownBytes), /*several_lines=*/true);
  std::size_t end = 0;
  for (int line = 0; line < kMaxShownLines && end != std::string::npos; ++line)
    end = shown.find('\n', end == 0 ? 0 : end + 1);
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

InputEvent read_line(LineEditor* editor, std::string& line) {
  constexpr const char* kQuestion = "  run it? [y]es, [n]o, [a]lways for this tool: ";
  if (editor != nullptr) return editor->read(kQuestion, line);
  std::fputs(kQuestion, stderr);
  return std::getline(std::cin, line) ? InputEvent::text : InputEvent::end;
}

}  // namespace

ToolDesk::ToolDesk(const ToolOptions& options) {
  add_own_tools(box_, options);
  if (!options.mcp_file.empty()) {
    const std::vector<McpServerConfig> configs = read_mcp_config(options.mcp_file);
    const auto say_line = [](const std::string& line) { tell("(" + printable(line) + ")"); };
    servers_ = std::make_unique<McpServers>(configs, box_, say_line, [] { return false; });
  }
  for (const std::string& name : options.allowed) {
    if (box_.find(name) == nullptr) {
      std::string names;
      for (const Tool& tool : box_.tools()) names += (names.empty() ? "" : ", ") + tool.name;
      fail(ErrorCode::usage, "--allow-tool {}: there is no such tool; {}", name,
           names.empty() ? "--tools, --tools-folder and --mcp give some" : "there are " + names);
    }
    allowed_.insert(name);
  }
}

ToolChatHooks ToolDesk::hooks() {
  return {.approve = [this](const AgentCall& call) { return approve(call); },
          .on_result = [](const AgentCall&, const ToolResult& result) { show_result(result); },
          .on_reasoning = show_reasoning};
}

std::string ToolDesk::list() const {
  std::string lines;
  for (const Tool& tool : box_.tools()) {
    lines += fmt::format("  {:<16} {}: {}\n", tool.name,
                         allowed_.contains(tool.name) ? "runs" : "asks", about(tool.description));
  }
  return lines.empty() ? "  none\n" : lines;
}

void ToolDesk::begin_answer(std::function<void()> pause, LineEditor* editor) {
  pause_ = std::move(pause);
  editor_ = editor;
}

Approval ToolDesk::approve(const AgentCall& call) {
  pause_();
  tell(indented(printable(call.name) + " " + begin_of(one_line(call.arguments))));
  return allowed_.contains(call.name) ? Approval::run : ask(call.name);
}

Approval ToolDesk::ask(const std::string& name) {
  const bool can_ask = editor_ != nullptr ? editor_->interactive() : is_terminal(STDIN_FILENO);
  if (!can_ask || !is_terminal(STDERR_FILENO)) {
    tell(fmt::format("  (not run: there is nobody to ask; --allow-tool {} allows it)", name));
    return Approval::refuse;
  }
  while (true) {
    std::string line;
    const InputEvent event = read_line(editor_, line);
    if (event == InputEvent::interrupted) return Approval::stop;
    if (event == InputEvent::end || line == "n" || line == "no") return Approval::refuse;
    if (line == "a" || line == "always") allowed_.insert(name);
    if (line == "y" || line == "yes" || allowed_.contains(name)) return Approval::run;
  }
}

}  // namespace tinyllm
