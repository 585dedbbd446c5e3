// Outside of calls: content, reasoning, headers and white space, up to what opens a call.

#include "tool_call/call_rules.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tinyllm {
namespace {

bool is_free(TextKind kind) { return kind == TextKind::content || kind == TextKind::reasoning; }

ExprId any_space(ExprPool& pool) {
  ByteSet bytes;
  for (const char c : {' ', '\n', '\r', '\t'}) bytes.insert(static_cast<std::uint8_t>(c));
  return pool.repeat(pool.bytes(bytes), 0, kNoLimit);
}

}  // namespace

CallRules::CallRules(const HeldCalls& calls,
                     const std::map<std::string, std::string, std::less<>>& specials,
                     ExprPool& pool, RuleSet& rules)
    : calls_(calls),
      states_(states_of(*calls.format, calls.reading)),
      specials_(specials),
      pool_(pool),
      rules_(rules),
      encoder_(pool, TextForm::plain),
      json_(pool, rules),
      arguments_(*calls.tools, calls.only, pool, rules),
      space_(any_space(pool)),
      short_space_(short_space(encoder_)) {
  std::vector<std::string> names;
  for (int f = 0; f < arguments_.n_functions(); ++f) names.push_back(arguments_.name(f));
  names_ = any_text_of(encoder_, std::move(names));
  for (const FormatState& state : states_) {
    const bool is_call = state.kind == TextKind::json_arguments ||
                         state.kind == TextKind::json_calls || state.kind == TextKind::python_calls;
    if (is_call) exits_.push_back(state.otherwise);
    for (const FormatEdge& edge : state.edges) {
      if (edge.step == CallStep::close || edge.step == CallStep::begin_and_close)
        exits_.push_back(edge.next);
      knows_start_ = knows_start_ || edge.at_start;
    }
  }
  std::ranges::sort(exits_);
  exits_.erase(std::unique(exits_.begin(), exits_.end()), exits_.end());
}

Symbol CallRules::compile() {
  const Symbol whole = symbol_of({.at_start = knows_start_});
  while (!waiting_.empty()) {
    const auto [place, symbol] = waiting_.back();
    waiting_.pop_back();
    add_rules(place, symbol);
  }
  return whole;
}

Symbol CallRules::symbol_of(const Place& place) {
  const auto [found, is_new] = places_.try_emplace(place, 0);
  if (is_new) {
    found->second = rules_.add_nonterminal();
    waiting_.emplace_back(place, found->second);
  }
  return found->second;
}

void CallRules::add_rules(const Place& place, Symbol symbol) {
  return place.is_inside ? add_inside(place, symbol) : add_outside(place, symbol);
}

ExprId CallRules::terminal(std::string_view text) const {
  const auto found = specials_.find(text);
  return pool_.text(found == specials_.end() ? text : found->second);
}

std::string_view CallRules::plain_text(std::string_view terminal) const {
  return specials_.contains(terminal) ? std::string_view() : terminal;
}

std::vector<CallRules::Opening> CallRules::openings_of(const FormatState& state) {
  std::vector<Opening> openings;
  for (const FormatEdge& edge : state.edges) {
    if (edge.step == CallStep::guess) {
      add_guess(edge, openings);
      continue;
    }
    const bool is_special = specials_.contains(edge.terminal);
    const ExprId text = terminal(edge.terminal);
    openings.push_back({.edge = &edge,
                        .text = text,
                        .whole = is_special ? kNothing : text,
                        .is_special = is_special});
  }
  return openings;
}

// It is a call where one of the functions is named: up to the name it is only text. The machine takes
// any white space in it, and a little is written.
void CallRules::add_guess(const FormatEdge& edge, std::vector<Opening>& openings) {
  const bool is_python =
      states_[static_cast<std::size_t>(edge.next)].kind == TextKind::python_calls;
  const auto begin = [&](bool is_list, ExprId space) {
    const ExprId open = is_list ? pool_.concat(pool_.byte('['), space) : kEmptyText;
    const ExprId object = pool_.concat({pool_.byte('{'), space, pool_.text("\"name\""), space,
                                        pool_.byte(':'), space, pool_.byte('"')});
    return pool_.concat({edge.stays ? kEmptyText : pool_.text(edge.terminal),
                         edge.stays ? kEmptyText : space, open, is_python ? kEmptyText : object});
  };
  for (const bool is_list : {false, true}) {
    if (edge.stays ? (edge.terminal == "[") != is_list : is_python && !is_list) continue;
    openings.push_back(
        {.edge = &edge,
         .text = begin(is_list, short_space_),
         .whole = pool_.concat({begin(is_list, space_), names_, pool_.byte(is_python ? '(' : '"')}),
         .is_list = is_list});
  }
}

void CallRules::add_outside(const Place& place, Symbol symbol) {
  const FormatState& state = state_of(place);
  if (state.kind != TextKind::space) return add_text(place, state, kNothing, symbol);
  ExprId not_first = kNothing;
  for (const Opening& opening : openings_of(state)) {
    const Symbol head = rules_.lexeme(pool_.concat(short_space_, opening.text));
    add_opening(place, opening, head, place.at_start, symbol);
    not_first = pool_.any_of({not_first, pool_.concat(space_, opening.whole)});
  }
  if (state.otherwise < 0) return;
  Place behind = place;
  behind.state = state.otherwise;
  const FormatState& otherwise = state_of(behind);
  if (is_free(otherwise.kind)) {
    add_text(behind, otherwise, not_first, symbol);
  } else {
    rules_.add_rule(symbol, {rules_.lexeme(short_space_), symbol_of(behind)});
  }
}

// Text of `state` that does not begin with `not_first`, and what may follow it.
void CallRules::add_text(const Place& place, const FormatState& state, ExprId not_first,
                         Symbol symbol) {
  const std::vector<Opening> openings = openings_of(state);
  const bool is_content = state.kind == TextKind::content;
  ExprId all = kNothing;
  for (const Opening& opening : openings) {
    if (!opening.edge->at_start) {
      all = pool_.any_of({all, opening.whole});
    } else if (place.at_start) {
      not_first = pool_.any_of({not_first, pool_.concat(space_, opening.whole)});
    }
  }
  const ExprId begins = pool_.complement(pool_.concat(not_first, kAnyText));
  const bool has_no_text = is_forced() && is_content;
  // No space stands before the first call: it could be anything else that the answer may be.
  const ExprId forced_space = place.n_calls > 0 ? short_space_ : kEmptyText;
  if (!is_forced()) {
    if (is_free(state.kind))
      rules_.add_rule(symbol, {rules_.lexeme(pool_.all_of({text_without(encoder_, all), begins}))});
  } else if (place.n_calls > 0 && is_content) {
    rules_.add_rule(symbol, {});
  }
  for (const Opening& opening : openings) {
    if (opening.edge->at_start && !place.at_start) continue;
    const ExprId alone = pool_.concat(has_no_text ? forced_space : space_, opening.text);
    const bool is_first = opening.edge->at_start || has_no_text;
    if (is_first || place.at_start)
      add_opening(place, opening, rules_.lexeme(alone), place.at_start, symbol);
    if (is_first) continue;
    const ExprId head = text_before(opening, all, not_first);
    const ExprId rest = place.at_start ? pool_.all_of({head, pool_.complement(alone)}) : head;
    add_opening(place, opening, rules_.lexeme(rest), place.at_start && !is_content, symbol);
  }
}

// Text up to an opening, and with it.
ExprId CallRules::text_before(const Opening& opening, ExprId all, ExprId not_first) {
  const ExprId begins = pool_.complement(pool_.concat(not_first, kAnyText));
  const ExprId without = text_without(encoder_, all);
  if (opening.is_special) return pool_.concat(pool_.all_of({without, begins}), opening.text);
  const ExprId anything = pool_.repeat(encoder_.any(), 0, kNoLimit);
  const ExprId ends = pool_.concat(anything, opening.text);
  if (opening.begins_calls()) return pool_.all_of({ends, without, begins});
  const ExprId goes_on = pool_.concat({anything, all, encoder_.any(), anything});
  return pool_.all_of({ends, pool_.complement(goes_on), begins});
}

void CallRules::add_opening(const Place& from, const Opening& opening, Symbol head, bool at_start,
                            Symbol symbol) {
  Place next{.state = opening.edge->next, .at_start = at_start, .n_calls = from.n_calls};
  if (!opening.opens()) {
    if (is_forced()) {
      const bool loops = next.state == from.state;
      if (loops && from.has_looped) return;
      next.has_looped = loops || from.has_looped;
    }
    rules_.add_rule(symbol, {head, symbol_of(next)});
    return;
  }
  if (is_forced() && from.n_calls >= max_calls()) return;
  const auto count = [&](bool is_list) {
    if (is_forced()) next.n_calls = is_list ? max_calls() : from.n_calls + 1;
  };
  if (opening.begins_calls()) {
    const FormatState& calls = state_of(next);
    const bool is_python = calls.kind == TextKind::python_calls;
    count(opening.is_list);
    next.state = calls.otherwise;
    const Symbol rest = is_python         ? rest_of_python_list()
                        : opening.is_list ? rest_of_json_list()
                                          : rest_of_json_call();
    rules_.add_rule(symbol, {head, rest, symbol_of(next)});
    return;
  }
  const int first = next.state;
  for (const int exit : exits_) {
    for (const bool is_list : {false, true}) {
      count(is_list);
      next.state = exit;
      const Place inside{.is_inside = true, .state = first, .exit = exit, .is_list = is_list};
      rules_.add_rule(symbol, {head, symbol_of(inside), symbol_of(next)});
    }
  }
}

}  // namespace tinyllm
