#pragma once
// The rules of one grammar of held calls (tool_call/held_calls.h): a nonterminal for each place where
// the machine of the format may be, inside a call with the function and the argument that it has
// come to. One thread.

#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/text_set.h"
#include "tool_call/held_arguments.h"
#include "tool_call/held_calls.h"

namespace tinyllm {

class CallRules {
 public:
  // `specials`: terminals that are special tokens, and their bytes in a grammar.
  CallRules(const HeldCalls& calls, const std::map<std::string, std::string, std::less<>>& specials,
            ExprPool& pool, RuleSet& rules);

  Symbol compile();

 private:
  using Wanted = HeldCalls::Wanted;

  // Outside of calls: what follows `state` up to the end. Inside: up to the end of the call, in the
  // state `exit`.
  struct Place {
    bool is_inside = false;
    int state = 0;
    // Outside.
    bool at_start = false;    // no content yet, where that counts
    int n_calls = 0;          // so far, where they are counted
    bool has_looped = false;  // markup that leads back to its own state came since the last call
    // Inside.
    int exit = 0;
    bool is_list = false;  // the call is a list of calls
    int function = -1;     // -1: not named yet
    int argument = 0;      // the next one
    auto operator<=>(const Place&) const = default;
  };
  // What leads from one state to others.
  struct Opening {
    const FormatEdge* edge = nullptr;
    ExprId text = kNothing;   // what is read before rules of its own go on
    ExprId whole = kNothing;  // free text never holds this; kNothing: it cannot
    bool is_special = false, is_list = false;
    bool begins_calls() const { return edge->step == CallStep::guess; }
    bool opens() const { return edge->step != CallStep::none; }
  };

  const FormatState& state_of(const Place& place) const {
    return states_[static_cast<std::size_t>(place.state)];
  }
  bool is_forced() const { return calls_.wanted != Wanted::maybe; }
  int max_calls() const { return calls_.wanted == Wanted::one ? 1 : kMaxListed; }
  Symbol symbol_of(const Place& place);
  void add_rules(const Place& place, Symbol symbol);

  // call_rules.cpp: outside of calls.
  std::vector<Opening> openings_of(const FormatState& state);
  void add_guess(const FormatEdge& edge, std::vector<Opening>& openings);
  void add_outside(const Place& place, Symbol symbol);
  void add_text(const Place& place, const FormatState& state, ExprId not_first, Symbol symbol);
  void add_opening(const Place& from, const Opening& opening, Symbol head, bool at_start,
                   Symbol symbol);
  ExprId text_before(const Opening& opening, ExprId all, ExprId not_first);
  ExprId terminal(std::string_view text) const;
  std::string_view plain_text(std::string_view terminal) const;

  // inside_rules.cpp: inside.
  void add_inside(const Place& place, Symbol symbol);
  void add_edge(const Place& place, const FormatEdge& edge, std::vector<Symbol> before,
                Symbol symbol);
  void add_name(const Place& place, Symbol symbol);
  void add_key(const Place& place, Symbol symbol);
  void add_value(const Place& place, Symbol symbol);
  bool may_close(const Place& place);
  Symbol json_calls(bool is_list);
  Symbol python_calls();
  Symbol rest_of_json_call();
  Symbol rest_of_json_list();
  Symbol python_call();
  Symbol rest_of_python_list();
  Symbol python_arguments(int function, int argument, bool is_first);
  Symbol rest_of_list(Symbol one);

  const HeldCalls& calls_;
  const std::vector<FormatState> states_;
  const std::map<std::string, std::string, std::less<>>& specials_;
  ExprPool& pool_;
  RuleSet& rules_;
  CharEncoder encoder_;
  JsonLexemes json_;
  HeldArguments arguments_;
  bool knows_start_ = false;    // some edges count at the start only
  std::vector<int> exits_;      // states behind calls
  ExprId space_, short_space_;  // any, and a little
  ExprId names_ = kNothing;     // of all functions
  std::map<Place, Symbol> places_;
  std::vector<std::pair<Place, Symbol>> waiting_;
  std::map<std::string, Symbol> shared_;  // rules that stand in several places
};

}  // namespace tinyllm
