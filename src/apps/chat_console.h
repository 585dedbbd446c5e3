#pragma once
// The talk at a terminal or over a pipe: prompt, slash commands, streamed answers. Answers go to
// stdout, everything else to stderr. Main thread only.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "apps/line_editor.h"
#include "client/chat_session.h"

namespace tinyllm {

// What /stats shows besides the talk itself.
struct ChatFacts {
  std::string model;  // "SmolLM2-135M-Instruct.Q4_1.gguf"
  std::string sampling;
  std::uint64_t seed = 0;
  std::string about_engine;  // what computes, with which memory
  std::int64_t context = 0;
  std::filesystem::path history_file;  // what was typed in earlier talks; empty: nothing is kept
};

class ChatConsole {
 public:
  ChatConsole(ChatSession& session, ChatFacts facts);

  // Until /exit, Ctrl-D or a second Ctrl-C on an empty line. Returns false when input came through
  // a pipe and its last message could not be answered.
  bool talk();

  // One answer to stdout, nothing else there. Ctrl-C ends the program.
  ChatAnswer answer_once(const std::string& message);

 private:
  enum class Next { go_on, leave };
  void greet();
  Next handle(const std::string& message);
  Next run_command(const std::string& line);
  bool answer(const std::string& message);
  ChatAnswer stream(const std::string& message, function_ref<bool()> interrupted);
  void show_stats() const;

  ChatSession& session_;
  ChatFacts facts_;
  std::unique_ptr<LineEditor> editor_;  // of talk()
  bool failed_ = false;
  ChatAnswer last_;
  std::int64_t total_tokens_ = 0;
  double total_decode_s_ = 0;
};

}  // namespace tinyllm
