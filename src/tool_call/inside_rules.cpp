// Inside of calls: names, arguments, and lists of calls.

#include <utility>

#include "base/error.h"
#include "tool_call/call_rules.h"

namespace tinyllm {

void CallRules::add_inside(const Place& place, Symbol symbol) {
  const FormatState& state = state_of(place);
  const bool is_named = place.function >= 0;
  const bool leads_out = state.otherwise == place.exit;
  switch (state.kind) {
    case TextKind::space:
      for (const FormatEdge& edge : state.edges) {
        if (edge.stays && (edge.terminal == "[") != place.is_list) continue;
        const ExprId text =
            edge.stays ? short_space_ : pool_.concat(short_space_, terminal(edge.terminal));
        add_edge(place, edge, {rules_.lexeme(text)}, symbol);
      }
      if (state.otherwise < 0) return;
      {
        Place next = place;
        next.state = state.otherwise;
        rules_.add_rule(symbol, {rules_.lexeme(short_space_), symbol_of(next)});
      }
      return;
    case TextKind::header: {
      ExprId all = kNothing;
      for (const FormatEdge& edge : state.edges) {
        if (!specials_.contains(edge.terminal)) all = pool_.any_of({all, terminal(edge.terminal)});
      }
      for (const FormatEdge& edge : state.edges) {
        const bool is_special = specials_.contains(edge.terminal);
        const ExprId text = is_special
                                ? pool_.concat(text_without(encoder_, all), terminal(edge.terminal))
                                : pool_.all_of({text_up_to(encoder_, all),
                                                pool_.concat(kAnyText, terminal(edge.terminal))});
        add_edge(place, edge, {rules_.lexeme(text)}, symbol);
      }
      return;
    }
    case TextKind::name: return add_name(place, symbol);
    case TextKind::key:
      if (is_named) add_key(place, symbol);
      return;
    case TextKind::value:
    case TextKind::string_value:
    case TextKind::json_value:
      if (is_named) add_value(place, symbol);
      return;
    case TextKind::json_arguments:
      if (is_named && leads_out && !place.is_list)
        rules_.add_rule(symbol, {arguments_.as_json(place.function)});
      return;
    case TextKind::json_calls:
      if (leads_out) rules_.add_rule(symbol, {json_calls(place.is_list)});
      return;
    case TextKind::python_calls:
      if (leads_out && place.is_list) rules_.add_rule(symbol, {python_calls()});
      return;
    case TextKind::content:
    case TextKind::reasoning: return;  // no call holds such
  }
}

// Behind `before`, with which the terminal has been read.
void CallRules::add_edge(const Place& place, const FormatEdge& edge, std::vector<Symbol> before,
                         Symbol symbol) {
  const bool closes = edge.step == CallStep::close || edge.step == CallStep::begin_and_close;
  if (closes) {
    if (edge.next == place.exit && !place.is_list && may_close(place))
      rules_.add_rule(symbol, before);
    return;
  }
  Place next = place;
  next.state = edge.next;
  before.push_back(symbol_of(next));
  rules_.add_rule(symbol, before);
}

// No argument is missing.
bool CallRules::may_close(const Place& place) {
  if (place.function < 0) return false;
  for (int i = place.argument; i < arguments_.n_arguments(place.function); ++i) {
    if (arguments_.is_required(place.function, i)) return false;
  }
  return true;
}

void CallRules::add_name(const Place& place, Symbol symbol) {
  const bool is_qualified = calls_.format->has_qualified_names;
  const ExprId number =
      pool_.concat(pool_.byte(':'), pool_.repeat(pool_.bytes(ByteSet::range('0', '9')), 1, 3));
  for (int f = 0; f < arguments_.n_functions(); ++f) {
    Place named = place;
    named.function = f;
    const ExprId name = encoder_.text(arguments_.name(f));
    const ExprId whole =
        is_qualified ? pool_.concat({pool_.text("functions."), name, pool_.optional(number)})
                     : name;
    for (const FormatEdge& edge : state_of(place).edges) {
      const ExprId end = edge.stays ? kEmptyText : terminal(edge.terminal);
      add_edge(named, edge, {rules_.lexeme(pool_.concat({whole, short_space_, end}))}, symbol);
    }
  }
}

// The key of the next argument, or of one behind it where that one may be missing.
void CallRules::add_key(const Place& place, Symbol symbol) {
  if (place.argument >= arguments_.n_arguments(place.function)) return;
  const std::string& key = arguments_.key(place.function, place.argument);
  for (const FormatEdge& edge : state_of(place).edges) {
    const bool is_clear = !key.empty() && key.find(edge.terminal) == std::string::npos &&
                          key.find_first_of(" \n\r\t") == std::string::npos;
    if (!is_clear) {
      throw GrammarRefusal(
          ErrorCode::unsupported,
          fmt::format("the function '{}' has an argument whose name cannot be held",
                      arguments_.name(place.function)),
          "properties", "#/properties");
    }
    add_edge(place, edge,
             {rules_.lexeme(pool_.concat(encoder_.text(key), terminal(edge.terminal)))}, symbol);
  }
  if (arguments_.is_required(place.function, place.argument)) return;
  Place next = place;
  ++next.argument;
  rules_.add_rule(symbol, {symbol_of(next)});
}

void CallRules::add_value(const Place& place, Symbol symbol) {
  for (const FormatEdge& edge : state_of(place).edges) {
    const std::optional<Symbol> value =
        arguments_.value(place.function, place.argument, state_of(place).kind,
                         terminal(edge.terminal), plain_text(edge.terminal));
    if (!value) continue;
    Place next = place;
    ++next.argument;
    add_edge(next, edge, {*value}, symbol);
  }
}

// --- lists of calls ---------------------------------------------------------------------------------

Symbol CallRules::json_calls(bool is_list) {
  const auto [found, is_new] = shared_.try_emplace(is_list ? "json list" : "json call", 0);
  if (!is_new) return found->second;
  const Symbol whole = found->second = rules_.add_nonterminal();
  if (is_list) {
    rules_.add_rule(whole, {json_.word("["), json_calls(false), rest_of_list(json_calls(false))});
  } else {
    rules_.add_rule(whole, {json_.word("{"), json_.key(pool_.text("name"), true), json_.word("\""),
                            rest_of_json_call()});
  }
  return whole;
}

// Behind the quote before the name.
Symbol CallRules::rest_of_json_call() {
  const auto [found, is_new] = shared_.try_emplace("rest of json call", 0);
  if (!is_new) return found->second;
  const Symbol rest = found->second = rules_.add_nonterminal();
  const ExprId keys = pool_.any_of({pool_.text("arguments"), pool_.text("parameters")});
  for (int f = 0; f < arguments_.n_functions(); ++f) {
    const ExprId name = pool_.concat(encoder_.text(arguments_.name(f)), pool_.byte('"'));
    rules_.add_rule(rest, {rules_.lexeme(name), json_.key(keys, false), arguments_.as_json(f),
                           json_.word("}")});
  }
  return rest;
}

Symbol CallRules::rest_of_json_list() {
  const Symbol rest = rules_.add_nonterminal();
  rules_.add_rule(rest, {rest_of_json_call(), rest_of_list(json_calls(false))});
  return rest;
}

// Behind its first item.
Symbol CallRules::rest_of_list(Symbol one) {
  Symbol rest = rules_.add_nonterminal();
  rules_.add_rule(rest, {json_.word("]")});
  for (int i = 1; i < max_calls(); ++i) {
    const Symbol longer = rules_.add_nonterminal();
    rules_.add_rule(longer, {json_.word("]")});
    rules_.add_rule(longer, {json_.word(","), one, rest});
    rest = longer;
  }
  return rest;
}

Symbol CallRules::python_calls() {
  const Symbol whole = rules_.add_nonterminal();
  rules_.add_rule(whole, {json_.word("["), rest_of_python_list()});
  return whole;
}

Symbol CallRules::rest_of_python_list() {
  const Symbol item = rules_.add_nonterminal(), rest = rules_.add_nonterminal();
  rules_.add_rule(item, {rules_.lexeme(short_space_), python_call()});
  rules_.add_rule(rest, {item, rest_of_list(item)});
  return rest;
}

Symbol CallRules::python_call() {
  const auto [found, is_new] = shared_.try_emplace("python call", 0);
  if (!is_new) return found->second;
  const Symbol call = found->second = rules_.add_nonterminal();
  for (int f = 0; f < arguments_.n_functions(); ++f) {
    const ExprId name = pool_.concat(encoder_.text(arguments_.name(f)), pool_.byte('('));
    rules_.add_rule(call, {rules_.lexeme(name), python_arguments(f, 0, true)});
  }
  return call;
}

Symbol CallRules::python_arguments(int function, int argument, bool is_first) {
  const std::string key = fmt::format("python {} {} {}", function, argument, is_first);
  const auto [found, is_new] = shared_.try_emplace(key, 0);
  if (!is_new) return found->second;
  const Symbol rest = found->second = rules_.add_nonterminal();
  if (argument == arguments_.n_arguments(function)) {
    rules_.add_rule(rest, {rules_.lexeme(pool_.byte(')'))});
    return rest;
  }
  const ExprId comma =
      is_first ? kEmptyText : pool_.concat(pool_.byte(','), pool_.optional(pool_.byte(' ')));
  const ExprId name =
      pool_.concat({comma, encoder_.text(arguments_.key(function, argument)), pool_.byte('=')});
  rules_.add_rule(rest, {rules_.lexeme(name), arguments_.python_value(function, argument),
                         python_arguments(function, argument + 1, false)});
  if (!arguments_.is_required(function, argument))
    rules_.add_rule(rest, {python_arguments(function, argument + 1, is_first)});
  return rest;
}

}  // namespace tinyllm
