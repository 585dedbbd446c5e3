#pragma once
// The arguments of functions as rules of a grammar: they follow the schemas of their functions, in
// the writing of each format. Properties come in the order of the schema. What cannot be held exactly
// is refused with its keyword and place. One thread.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/char_encoder.h"
#include "grammar/json_lexemes.h"
#include "grammar/rule_set.h"
#include "tool_call/answer_format.h"
#include "tool_call/tool_types.h"

namespace tinyllm {

class HeldArguments {
 public:
  // `tools` as ToolTypes takes them; `only`: the one of these that counts, "": all. It must outlive
  // this, as all arguments must.
  HeldArguments(const nlohmann::ordered_json& tools, std::string_view only, ExprPool& pool,
                RuleSet& rules);

  int n_functions() const { return static_cast<int>(functions_.size()); }
  const std::string& name(int function) const { return functions_[function].name; }

  // All arguments as one JSON object.
  Symbol as_json(int function);

  // One by one. Throws GrammarRefusal where a schema says more than what each argument is.
  int n_arguments(int function) { return static_cast<int>(arguments(function).size()); }
  const std::string& key(int function, int i) { return arguments(function)[i].key; }
  bool is_required(int function, int i) { return arguments(function)[i].is_required; }
  // The value as a state of this kind reads it, with the terminal behind it. `end_text`: the
  // terminal where it is ordinary text. Empty: no such state can read a value that fits.
  std::optional<Symbol> value(int function, int i, TextKind kind, ExprId end,
                              std::string_view end_text);
  // As a literal of Python.
  Symbol python_value(int function, int i);

 private:
  struct Argument {
    std::string key, schema;  // with the definitions of the function's schema
    unsigned types = kAnyType;
    bool is_required = false;
    bool is_bare = false;  // nothing but types
    // Any text is a value that fits: as a string, or as the JSON that it happens to be.
    bool is_free() const { return is_bare && (types & kStringType) != 0; }
  };
  struct Function {
    std::string name, schema;
    std::optional<Symbol> json = {};
    std::optional<std::vector<Argument>> arguments = {};
  };

  const std::vector<Argument>& arguments(int function);
  std::vector<Argument> read_arguments(const Function& function) const;
  Symbol text_value(const Argument& argument, bool has_line_feeds, ExprId end,
                    std::string_view end_text);
  Symbol json_value(const Function& function, const Argument& argument, std::string_view never);

  ExprPool& pool_;
  RuleSet& rules_;
  CharEncoder encoder_;
  ToolTypes types_;
  std::vector<Function> functions_;
};

}  // namespace tinyllm
