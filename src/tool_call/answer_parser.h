#pragma once
// Tells apart what a model has written: the answer, its reasoning, and calls of tools, in one pass
// and in time that grows with the text alone. The text may come in pieces of any size: the events
// are the same. Nothing is lost: the `source` of all events in order is the text. A call that cannot
// be read comes back as content. Never throws. One thread.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tool_call/answer_format.h"
#include "tool_call/call_reader.h"
#include "tool_call/tool_types.h"

namespace tinyllm {

struct AnswerEvent {
  enum class Kind {
    content,
    reasoning,
    markup,          // of the format, special tokens that are not shown, white space around them
    call_begins,     // name, id
    call_arguments,  // text: a piece of the JSON object
    call_ends,
    call_failed,  // text: the call as it was written, which is content now; error
  };
  Kind kind = Kind::content;
  int call_idx = -1;       // of call_*; -1: a call that failed before its name was known
  std::string text = {};   // of content, reasoning, call_arguments, call_failed
  std::string name = {};   // of call_begins
  std::string id = {};     // of call_begins: the one that the model gave; "": none
  std::string error = {};  // of call_failed
  // The part of the model's text that this event accounts for: of a call all of it at its end.
  std::string source = {};
  bool operator==(const AnswerEvent&) const = default;
};

struct AnswerParserOptions {
  bool in_reasoning = false;   // the prompt has opened the reasoning
  bool shows_special = false;  // special tokens that mean nothing here are content
  int max_calls = 0;           // further calls fail; 0: any number
};

class AnswerParser {
 public:
  using Events = std::vector<AnswerEvent>;

  AnswerParser(std::shared_ptr<const AnswerFormat> format, std::shared_ptr<const ToolTypes> tools,
               const AnswerParserOptions& options = {});

  // Appends what `text` tells. `is_special`: it is one special token, as the model wrote it.
  void push(std::string_view text, bool is_special, Events& events);
  // The text has ended. A call that is open has failed.
  void finish(Events& events);

 private:
  using Kind = AnswerEvent::Kind;

  const AnswerFormat::State& state() const { return format_->states[state_]; }
  bool take_special_token(std::string_view token);
  void take(char c);
  void match();
  void release_held();
  void take_text(char c);
  void follow(const FormatEdge& edge);
  void go(int next);
  void leave_for(int next, char c);

  bool end_text(CallStep step);
  void take_content(char c, Kind kind);
  bool take_word(std::string& word, char c);
  bool take_value(char c);
  bool take_json(char c);
  template <typename Reader>
  bool take_calls(Reader& reader, char c);

  void open_call();
  bool begin_call(const std::string& name, const std::string& id);
  void add_arguments(std::string_view json);
  bool begin_argument();
  void end_argument();
  void end_call();
  void fail_call(const std::string& error);

  void emit(Kind kind, std::string_view text);
  void account(std::string_view source);  // to the open call, or as markup
  void settle_space(bool is_text);

  std::shared_ptr<const AnswerFormat> format_;
  std::shared_ptr<const ToolTypes> tools_;
  AnswerParserOptions options_;
  Events* events_ = nullptr;

  int state_ = 0;
  bool at_start_ = true;       // no content yet
  bool has_reasoned_ = false;  // in this stretch of reasoning
  std::string held_;           // the beginning of a terminal, perhaps
  std::string held_special_;   // for each byte of it: is it of a special token
  std::string space_;          // white space that is content if content follows

  bool is_special_ = false;  // the text that is taken now is a special token

  // The call that is being read.
  bool is_open_ = false, is_announced_ = false;
  bool is_guess_ = false;  // it may be other text
  int n_calls_ = 0;        // announced so far
  std::string source_;     // its text so far
  std::string name_, key_;
  std::string value_;              // of the argument, as far as it is held
  std::string argument_name_;      // of the function, for its types
  std::vector<std::string> keys_;  // of the arguments so far
  bool has_arguments_ = false;     // some were handed on
  bool is_streamed_ = false, has_value_ = false;
  JsonScanner json_;
  bool in_json_ = false;
  JsonCallReader json_calls_;
  PythonCallReader python_calls_;
};

}  // namespace tinyllm
