#pragma once
// The talk at a terminal or over a pipe: prompt, slash commands, streamed answers. Answers go to
// stdout, everything else to stderr. Main thread only.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apps/answer_view.h"
#include "apps/chat_model.h"
#include "apps/line_editor.h"

namespace tinyllm {

struct ChatConsoleOptions {
  // Opens another model for /model. Throws Error.
  std::function<std::unique_ptr<ChatModel>(const std::string& name)> open_model;
  std::filesystem::path history_file;  // what was typed in earlier talks; empty: nothing is kept
  ToolDesk* tools = nullptr;           // shows calls of tools and asks for them; nullptr: none
};

class ChatConsole {
 public:
  ChatConsole(std::unique_ptr<ChatModel> model, ChatConsoleOptions options);

  // Until /exit, Ctrl-D or a second Ctrl-C on an empty line. Returns false when input came through
  // a pipe and its last message could not be answered.
  bool talk();

  // One answer to stdout, nothing else there. Ctrl-C ends the program.
  ChatAnswer answer_once(const std::string& message);

 private:
  enum class Next { go_on, leave };
  void greet();
  Next handle(const std::string& message);
  bool answer(const std::string& message);
  ChatAnswer stream(const std::string& message, function_ref<bool()> interrupted);

  // chat_commands.cpp
  Next run_command(const std::string& line);
  void show_stats() const;
  void explain_last() const;
  void show_settings() const;
  void set(const std::string& argument);
  void change_model(const std::string& name);
  void save(const std::string& file) const;
  void load(const std::string& file);
  void regenerate();
  void read_file(const std::string& argument);
  void copy() const;

  ChatSession& session() const { return model_->session(); }

  std::unique_ptr<ChatModel> model_;
  ChatConsoleOptions options_;
  std::unique_ptr<LineEditor> editor_;  // of talk()
  bool failed_ = false;
  ChatAnswer last_;
  std::int64_t total_tokens_ = 0;
  double total_decode_s_ = 0;
};

// What the line could go on to: commands, and the names that they take. For the Tab key.
std::vector<std::string> complete_chat_line(const std::string& line);

// A line for the person at the terminal; not part of any answer.
void say(std::string_view text);

}  // namespace tinyllm
