#pragma once
// How models write reasoning, calls of tools and the answer into one text. A format is data: a table
// of states, which tool_call/answer_parser.h reads. Immutable: any thread.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"

namespace tinyllm {

// What the text of a state is, up to one of its terminals.
enum class TextKind {
  content,
  reasoning,
  space,           // white space, which is markup; other text goes to `otherwise`
  header,          // words that nobody is shown
  name,            // of the function that is called
  key,             // of an argument
  value,           // an argument as it is, typed by the function's schema
  string_value,    // an argument that is a string
  json_value,      // an argument that is JSON
  json_arguments,  // all arguments: a JSON object
  json_calls,      // {"name": ..., "arguments": ...}, or an array of such objects
  python_calls,    // [f(a=1, b="x"), g()]
};

// What a terminal does with the call. `guess` opens one that looks like other text: it is a call only
// if it names a function of the request.
enum class CallStep { none, open, guess, begin, close, begin_and_close };

inline constexpr int kFail = -1;  // no state: the call cannot be read

struct FormatEdge {
  std::string_view terminal;
  int next = 0;  // the state behind it
  CallStep step = CallStep::none;
  bool stays = false;     // the terminal is read again in the next state
  bool at_start = false;  // only where no content stands before it
};

struct FormatState {
  TextKind kind = TextKind::content;
  std::vector<FormatEdge> edges = {};
  // Of space: the state that reads what is no white space. Of json_* and python_calls: the state
  // behind the value.
  int otherwise = 0;
};

struct ToolFormat {
  std::string_view name;
  std::vector<FormatState> states;   // the first is content, where an answer begins
  bool has_qualified_names = false;  // "functions.f:0" is the id, f the name
  bool has_reasoning = false;        // its states tell reasoning too
  int id_length = 0;                 // of the ids that its template takes; 0: any
};

// Reasoning stands at the beginning of an answer, between two texts.
struct ReasoningFormat {
  std::string_view name;
  std::vector<std::string_view> begins, ends;
};

const std::vector<ToolFormat>& tool_formats();
const std::vector<ReasoningFormat>& reasoning_formats();

// By name. Throws Error{usage} that lists the names; "none" gives nullptr.
const ToolFormat* find_tool_format(std::string_view name);
const ReasoningFormat* find_reasoning_format(std::string_view name);

// The one that a chat template writes and asks for; nullptr: none.
const ToolFormat* tool_format_of(std::string_view template_text);
const ReasoningFormat* reasoning_format_of(std::string_view template_text);

// What a parser reads: the states of both formats, and which terminals are special tokens of the
// model, so that the same words in its text are only text.
struct AnswerFormat {
  struct State {
    FormatState table;
    std::vector<bool> is_special;  // for each edge
  };
  std::vector<State> states;
  int reasoning_state = -1;  // where an answer begins whose prompt has opened the reasoning
  bool has_qualified_names = false;
  bool has_special_terminals = false;
  bool guesses_by_name = false;  // CallReading::named
};

// marked: none that looks like other text. named: of these, those that begin with their name, as
// tool_call/held_calls.h lets them be written.
enum class CallReading { none, marked, named, any };

// The states without the edges into calls that are not read.
std::vector<FormatState> states_of(const ToolFormat& format, CallReading reading);

// Either format may be nullptr. Harmony's channels are told apart whatever is read.
std::shared_ptr<const AnswerFormat> make_answer_format(
    const ToolFormat* tools, const ReasoningFormat* reasoning, CallReading reading,
    function_ref<bool(std::string_view)> is_special_token);

}  // namespace tinyllm
