#pragma once
// Lines of input: with editing keys, history and completion when stdin is a terminal (libedit),
// plain otherwise. The prompt is shown on the terminal only. Main thread only, one object.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/message_reader.h"

namespace tinyllm {

struct LineEditorOptions {
  std::filesystem::path history_file;  // empty: what was typed is forgotten at the end
  // What may stand where `line` ends, as whole lines; the Tab key asks.
  std::function<std::vector<std::string>(const std::string& line)> complete;
};

class LineEditor {
 public:
  explicit LineEditor(LineEditorOptions options = {});
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  bool interactive() const;

  // Fills `line`, without its newline; a pasted text may hold newlines. Ctrl-C gives `interrupted`,
  // Ctrl-D on an empty line and the end of the input give `end`. What was typed since the last call
  // is taken first.
  InputEvent read(const std::string& prompt, std::string& line);

  // The same for a question that nobody could foresee: what was typed before it is no reply, and
  // waits for the next read(), or is lost where keys are not read one by one.
  InputEvent read_reply(const std::string& prompt, std::string& line);

  // While an answer is written: whether Ctrl-C was typed. Other keys wait for the next read.
  bool take_interrupt();

  // The up arrow brings `line` back, also in later runs where there is a history file.
  void remember(const std::string& line);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tinyllm
