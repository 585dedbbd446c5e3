#pragma once
// The terminal's mode through a whole conversation. It is set once and stays the same while a line
// is edited and while an answer is written: every change of it could lose keys that were typed
// ahead. The mode of before comes back at the end, when a signal ends the program, and while it is
// suspended. One object, main thread.

namespace tinyllm {

class ConversationMode {
 public:
  // `editing`: each key is read as it is typed, none is echoed, and Ctrl-C, Ctrl-D and Ctrl-Z are
  // keys too; a pasted text comes between two marks (bracketed paste). Otherwise the terminal edits
  // lines, and Ctrl-C does not throw away what was typed before it.
  explicit ConversationMode(bool editing);
  ~ConversationMode();
  ConversationMode(const ConversationMode&) = delete;
  ConversationMode& operator=(const ConversationMode&) = delete;

  // What Ctrl-Z does elsewhere: returns when the user brings the program back.
  void suspend();
  // Whether the terminal changed its size, or the program came back, since the last call.
  bool take_resized();
  bool take_resumed();
};

}  // namespace tinyllm
