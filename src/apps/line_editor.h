#pragma once
// One line of input: with editing keys and history when stdin is a terminal (libedit), plain
// otherwise. The prompt is shown on the terminal only. Main thread only, one object.

#include <memory>
#include <string>

#include "apps/message_reader.h"

namespace tinyllm {

class LineEditor {
 public:
  LineEditor();
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  bool interactive() const;

  // Fills `line`, without its newline. Ctrl-C gives `interrupted`, Ctrl-D on an empty line and the
  // end of the input give `end`.
  InputEvent read(const std::string& prompt, std::string& line);

  // The up arrow brings `line` back. In memory only: what people ask is theirs.
  void remember(const std::string& line);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tinyllm
