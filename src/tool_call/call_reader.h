#pragma once
// Calls that stand in a text as values: JSON objects with name and arguments, one or a list of them,
// and Python's lists of calls. They go by byte by byte. One thread.

#include <string>
#include <string_view>
#include <utility>

#include "tool_call/json_scanner.h"

namespace tinyllm {

// What one byte has told.
enum class CallNews {
  none,
  begins,     // with this byte, a call
  named,      // the call's name is known: name()
  arguments,  // there is more of them: take_arguments()
  ends,       // with this byte; is_over() says whether it was the last
  over,       // the list ends with this byte
  invalid,    // the byte was not taken: error()
};

// {"name": "f", "arguments": {...}} with its keys in any order, or an array of these.
class JsonCallReader {
 public:
  // `knows_keys`: an object with other keys than those of calls is none. `by_name`: nor is one that
  // does not begin with "name", or whose name is written with escapes.
  explicit JsonCallReader(bool knows_keys = false, bool by_name = false)
      : knows_keys_(knows_keys), by_name_(by_name) {}

  CallNews push(char c);
  bool is_over() const { return place_ == Place::over; }
  const std::string& name() const { return name_; }
  const std::string& id() const { return id_; }  // "": none was given
  const char* error() const { return error_; }
  std::string take_arguments();

 private:
  enum class Place {
    begin,
    item,
    between,
    key_or_end,
    key,
    in_key,
    colon,
    value,
    after_value,
    over
  };
  enum class Role { none, name, id, arguments };

  CallNews refuse(const char* error) { return error_ = error, CallNews::invalid; }
  CallNews begin_call();
  CallNews end_call();
  CallNews in_key(char c);
  CallNews begin_value(char c);
  CallNews in_value(char c);
  CallNews end_value();
  CallNews take_text(const std::string& text);

  bool knows_keys_, by_name_;
  Place place_ = Place::begin;
  bool is_list_ = false;
  JsonScanner scanner_;
  std::string text_;  // of the key or value that goes by
  Role role_ = Role::none;
  bool is_streamed_ = false;  // the value is an object of arguments, handed on as it comes
  bool has_name_ = false, has_arguments_ = false;
  std::string name_, id_, arguments_;
  const char* error_ = "";
};

// [f(a=1, b="x"), g()]
class PythonCallReader {
 public:
  CallNews push(char c);
  bool is_over() const { return false; }
  const std::string& name() const { return name_; }
  const char* error() const { return error_; }
  std::string take_arguments() { return std::exchange(arguments_, {}); }

 private:
  enum class Place { begin, item, name, arguments, between };
  CallNews in_arguments(char c);

  Place place_ = Place::begin;
  std::string name_, text_, arguments_;
  int depth_ = 0;         // brackets that are open in the arguments
  char quote_ = '\0';     // of the string that is open
  bool escaped_ = false;  // behind a backslash
  const char* error_ = "";
};

// The keyword arguments of a Python call, `a=1, b=[True, 'x']`, as a JSON object. False: they are
// none, or not literals.
bool python_arguments_to_json(std::string_view text, std::string& json);

}  // namespace tinyllm
