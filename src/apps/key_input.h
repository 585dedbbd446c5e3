#pragma once
// The keys of a conversation, from a terminal in ConversationMode: read when a line asks for them,
// and looked at while an answer is written, so that Ctrl-C stops it and everything else waits for
// the next line. Main thread only.

#include <deque>
#include <string>

#include "apps/conversation_mode.h"
#include "base/function_ref.h"

namespace tinyllm {

class KeyInput {
 public:
  explicit KeyInput(ConversationMode& mode) : mode_(mode) {}

  // The next byte, waited for; nothing (-1) at the end of the input. `on_signal` is called when a
  // signal came in between: the terminal may have another size.
  int next(function_ref<void()> on_signal);

  // Reads what was typed, without waiting. True when Ctrl-C was among it; that key alone is gone.
  bool take_interrupt();

  // What was typed and not taken yet, and back again, before what is typed by then.
  std::deque<char> set_aside();
  void give_back(const std::deque<char>& keys);

 private:
  bool read_more(bool wait);

  ConversationMode& mode_;
  std::deque<char> keys_;
  bool ended_ = false;
};

}  // namespace tinyllm
