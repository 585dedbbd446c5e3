#include "tool_call/answer_parser.h"

#include "base/ascii.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace tinyllm {
namespace {

constexpr std::size_t kMaxNameBytes = 256;
constexpr std::size_t kMaxKeys = 256;  // arguments of a call that are written one by one

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \n\r\t");
  if (begin == text.npos) return "";
  return text.substr(begin, text.find_last_not_of(" \n\r\t") + 1 - begin);
}

// "functions.f:0" -> "f"
std::string without_qualifiers(std::string name) {
  constexpr std::string_view kPrefix = "functions.";
  if (name.starts_with(kPrefix)) name.erase(0, kPrefix.size());
  const std::size_t colon = name.rfind(':');
  if (colon != name.npos && name.find_first_not_of("0123456789", colon + 1) == name.npos)
    name.resize(colon);
  return name;
}

}  // namespace

AnswerParser::AnswerParser(std::shared_ptr<const AnswerFormat> format,
                           std::shared_ptr<const ToolTypes> tools,
                           const AnswerParserOptions& options)
    : format_(std::move(format)), tools_(std::move(tools)), options_(options) {
  if (tools_ == nullptr) tools_ = std::make_shared<const ToolTypes>();
  if (options_.in_reasoning && format_->reasoning_state >= 0) state_ = format_->reasoning_state;
}

void AnswerParser::push(std::string_view text, bool is_special, Events& events) {
  events_ = &events;
  if (is_special && take_special_token(text)) return;
  is_special_ = is_special;
  for (const char c : text) take(c);
  is_special_ = false;
}

void AnswerParser::finish(Events& events) {
  events_ = &events;
  while (!held_.empty()) release_held();
  const TextKind kind = state().table.kind;
  settle_space(kind == TextKind::content || kind == TextKind::reasoning);
  if (is_open_) fail_call("the text ends inside a call");
}

// --- terminals --------------------------------------------------------------------------------------

// A token that is a terminal here, whatever is held. Other special tokens go byte by byte: they may
// be part of a longer terminal.
bool AnswerParser::take_special_token(std::string_view token) {
  const auto find = [&](int state) -> const FormatEdge* {
    const auto& edges = format_->states[static_cast<std::size_t>(state)].table.edges;
    const auto found = std::ranges::find_if(edges, [&](const FormatEdge& edge) {
      return edge.terminal == token && (at_start_ || !edge.at_start);
    });
    return found == edges.end() ? nullptr : &*found;
  };
  // White space ends with it, where it means something in the state behind.
  const auto state_with_it = [&] {
    const FormatState& table = state().table;
    const bool has_behind = table.kind == TextKind::space && table.otherwise >= 0;
    return find(state_) == nullptr && has_behind ? table.otherwise : state_;
  };
  if (find(state_with_it()) == nullptr) return false;
  while (!held_.empty()) release_held();
  const int its_state = state_with_it();  // what was held may have led elsewhere
  const FormatEdge* const edge = find(its_state);
  if (edge == nullptr) return false;
  if (its_state != state_) go(its_state);
  held_ = token;
  held_special_.assign(token.size(), '\0');
  follow(*edge);
  return true;
}

void AnswerParser::take(char c) {
  if (held_.empty() && state().table.edges.empty()) return take_text(c);
  held_ += c;
  held_special_ += static_cast<char>(is_special_);
  match();
}

// Is what is held a terminal, or the beginning of one? If not, its first byte is text.
void AnswerParser::match() {
  const auto& edges = state().table.edges;
  bool is_beginning = false;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    if (state().is_special[i] || (edges[i].at_start && !at_start_)) continue;
    if (!edges[i].terminal.starts_with(held_)) continue;
    if (edges[i].terminal.size() == held_.size()) return follow(edges[i]);
    is_beginning = true;
  }
  if (!is_beginning) release_held();
}

void AnswerParser::release_held() {
  const std::string held = std::exchange(held_, {});
  const std::string special = std::exchange(held_special_, {});
  const bool was_special = is_special_;
  for (std::size_t i = 0; i < held.size(); ++i) {
    is_special_ = special[i] != '\0';
    if (i == 0) {
      take_text(held[i]);
    } else {
      take(held[i]);
    }
  }
  is_special_ = was_special;
}

void AnswerParser::follow(const FormatEdge& edge) {
  const std::string terminal = std::exchange(held_, {});
  held_special_.clear();
  if (edge.step == CallStep::open || edge.step == CallStep::guess) {
    const std::string space = std::exchange(space_, {});
    open_call();
    is_guess_ = edge.step == CallStep::guess;
    account(space);
  }
  settle_space(false);
  if (!edge.stays) account(terminal);
  if (end_text(edge.step)) go(edge.next);
  if (!edge.stays) return;
  for (const char c : terminal) take(c);
}

// What a terminal means for the name, key or value before it. False: the call has failed.
bool AnswerParser::end_text(CallStep step) {
  const TextKind kind = state().table.kind;
  if (kind == TextKind::value || kind == TextKind::string_value || kind == TextKind::json_value)
    end_argument();
  if (kind == TextKind::key && !begin_argument()) return false;
  const bool closes = step == CallStep::close || step == CallStep::begin_and_close;
  if (step == CallStep::begin || step == CallStep::begin_and_close) {
    const std::string name = trimmed(name_);
    const bool has_id = format_->has_qualified_names && name.find(':') != name.npos;
    if (!begin_call(name, has_id ? name : "")) return false;
  }
  if (closes) end_call();
  return true;
}

void AnswerParser::go(int next) {
  state_ = next;
  switch (state().table.kind) {
    case TextKind::reasoning: has_reasoned_ = false; break;
    case TextKind::key: key_.clear(); break;
    case TextKind::json_arguments: json_ = {}, in_json_ = false; break;
    case TextKind::json_calls:
      json_calls_ = JsonCallReader(is_guess_, is_guess_ && format_->guesses_by_name);
      break;
    case TextKind::python_calls: python_calls_ = {}; break;
    default: break;
  }
}

// `c` cannot stand in this state.
void AnswerParser::leave_for(int next, char c) {
  if (next == kFail) {
    fail_call("a part of the call is missing or misplaced");
  } else {
    go(next);
  }
  take(c);
}

// --- text -------------------------------------------------------------------------------------------

void AnswerParser::take_text(char c) {
  if (is_special_ && !options_.shows_special) {
    settle_space(true);
    return account(std::string_view(&c, 1));
  }
  bool is_taken = true;
  switch (state().table.kind) {
    case TextKind::content: return take_content(c, Kind::content);
    case TextKind::reasoning: return take_content(c, Kind::reasoning);
    case TextKind::header: account(std::string_view(&c, 1)); break;
    case TextKind::space:
      if (!is_ascii_space(c)) return leave_for(state().table.otherwise, c);
      account(std::string_view(&c, 1));
      break;
    case TextKind::name: is_taken = take_word(name_, c); break;
    case TextKind::key: is_taken = take_word(key_, c); break;
    case TextKind::value:
    case TextKind::string_value:
    case TextKind::json_value: is_taken = take_value(c); break;
    case TextKind::json_arguments: is_taken = take_json(c); break;
    case TextKind::json_calls: is_taken = take_calls(json_calls_, c); break;
    case TextKind::python_calls: is_taken = take_calls(python_calls_, c); break;
  }
  if (!is_taken) take(c);
}

bool AnswerParser::take_word(std::string& word, char c) {
  if (word.size() == kMaxNameBytes) return fail_call("a name in the call does not end"), false;
  word += c;
  return account(std::string_view(&c, 1)), true;
}

// White space is kept back: before markup it is part of that.
void AnswerParser::take_content(char c, Kind kind) {
  if (is_ascii_space(c)) {
    space_ += c;
    return;
  }
  // Reasoning begins behind the white space that follows its mark.
  settle_space(kind == Kind::content || has_reasoned_);
  (kind == Kind::reasoning ? has_reasoned_ : at_start_) = kind == Kind::reasoning;
  emit(kind, std::string_view(&c, 1));
}

void AnswerParser::settle_space(bool is_text) {
  if (space_.empty()) return;
  const std::string space = std::exchange(space_, {});
  const TextKind kind = state().table.kind;
  if (!is_text) {
    account(space);
  } else {
    emit(kind == TextKind::reasoning ? Kind::reasoning : Kind::content, space);
  }
}

// --- calls ------------------------------------------------------------------------------------------

void AnswerParser::open_call() {
  if (is_open_) fail_call("another call begins inside the call");
  is_open_ = true;
  is_announced_ = has_arguments_ = false;
  source_.clear(), name_.clear(), keys_.clear();
}

// False: the call has failed.
bool AnswerParser::begin_call(const std::string& name, const std::string& id) {
  argument_name_ = format_->has_qualified_names ? without_qualifiers(name) : name;
  if (argument_name_.empty()) return fail_call("the call has no name"), false;
  if (is_guess_ && !tools_->has(argument_name_))
    return fail_call("no such function was given"), false;
  if (options_.max_calls > 0 && n_calls_ >= options_.max_calls)
    return fail_call(""), false;  // it can be read, and is not wanted
  is_announced_ = true;
  events_->push_back(
      {.kind = Kind::call_begins, .call_idx = n_calls_++, .name = argument_name_, .id = id});
  return true;
}

void AnswerParser::add_arguments(std::string_view json) {
  if (json.empty()) return;
  has_arguments_ = true;
  if (events_->empty() || events_->back().kind != Kind::call_arguments)
    events_->push_back({.kind = Kind::call_arguments, .call_idx = n_calls_ - 1});
  events_->back().text += json;
}

void AnswerParser::end_call() {
  if (!keys_.empty()) add_arguments("}");
  if (!has_arguments_) add_arguments("{}");
  is_open_ = false;
  events_->push_back(
      {.kind = Kind::call_ends, .call_idx = n_calls_ - 1, .source = std::exchange(source_, {})});
}

void AnswerParser::fail_call(const std::string& error) {
  const std::string source = std::exchange(source_, {});
  is_open_ = false;
  at_start_ = false;
  state_ = 0;
  if (is_guess_ && !is_announced_) return emit(Kind::content, source);
  events_->push_back({.kind = Kind::call_failed,
                      .call_idx = is_announced_ ? n_calls_ - 1 : -1,
                      .text = source,
                      .error = error,
                      .source = source});
}

// A key has been read: what follows is its value. False: the call has failed.
bool AnswerParser::begin_argument() {
  const std::string key = trimmed(key_);
  if (key.empty() || keys_.size() == kMaxKeys || std::ranges::find(keys_, key) != keys_.end())
    return fail_call("an argument has no name, or the name of another"), false;
  add_arguments((keys_.empty() ? "{\"" : ", \"") + escape_json(key) + "\": ");
  keys_.push_back(key);
  value_.clear();
  has_value_ = is_streamed_ = false;
  return true;
}

// Texts are handed on as they come, but for a line feed at either end, which belongs to the markup.
bool AnswerParser::take_value(char c) {
  const TextKind kind = state().table.kind;
  if (!has_value_) {
    has_value_ = true;
    is_streamed_ =
        kind == TextKind::string_value ||
        (kind == TextKind::value && tools_->type_of(argument_name_, keys_.back()) == kStringType);
    if (is_streamed_) add_arguments("\"");
    if (kind == TextKind::value && c == '\n') return account("\n"), true;
  }
  account(std::string_view(&c, 1));
  value_ += c;
  if (!is_streamed_) return true;
  const bool keeps = kind == TextKind::value && c == '\n';
  add_arguments(escape_json(std::string_view(value_).substr(0, value_.size() - (keeps ? 1 : 0))));
  value_ = keeps ? "\n" : "";
  return true;
}

void AnswerParser::end_argument() {
  const TextKind kind = state().table.kind;
  if (is_streamed_) return add_arguments("\"");
  if (kind == TextKind::string_value) return add_arguments("\"\"");
  if (kind == TextKind::value && value_.ends_with('\n')) value_.pop_back();
  const unsigned types =
      kind == TextKind::json_value ? kAnyType : tools_->type_of(argument_name_, keys_.back());
  add_arguments(argument_json(value_, types));
}

bool AnswerParser::take_json(char c) {
  if (!in_json_) {
    if (is_ascii_space(c)) return account(std::string_view(&c, 1)), true;
    if (c != '{') return fail_call("the arguments are no object"), false;
    in_json_ = true;
  }
  const bool is_control = json_.in_string() && static_cast<unsigned char>(c) < 0x20;
  const JsonScanner::Step step = is_control ? JsonScanner::Step::more : json_.push(c);
  if (step == JsonScanner::Step::invalid) return fail_call("the arguments are not JSON"), false;
  account(std::string_view(&c, 1));
  add_arguments(is_control ? escape_control(c) : std::string(1, c));
  if (step != JsonScanner::Step::done) return true;
  end_call();
  go(state().table.otherwise);
  return true;
}

template <typename Reader>
bool AnswerParser::take_calls(Reader& reader, char c) {
  const CallNews news = reader.push(c);
  if (news == CallNews::invalid) {
    if (is_open_) {
      fail_call(reader.error());
    } else {
      state_ = 0;
    }
    return false;
  }
  if (news == CallNews::begins && !is_open_) open_call();
  account(std::string_view(&c, 1));
  if (news == CallNews::named) {
    std::string id;
    if constexpr (std::is_same_v<Reader, JsonCallReader>) id = reader.id();
    if (!begin_call(reader.name(), id)) return true;
  }
  if (news == CallNews::named || news == CallNews::arguments || news == CallNews::ends)
    add_arguments(reader.take_arguments());
  if (news == CallNews::ends) end_call();
  if (news == CallNews::over || reader.is_over()) go(state().table.otherwise);
  return true;
}

// --- events -----------------------------------------------------------------------------------------

void AnswerParser::emit(Kind kind, std::string_view text) {
  if (text.empty()) return;
  if (events_->empty() || events_->back().kind != kind) events_->push_back({.kind = kind});
  events_->back().source += text;
  if (kind != Kind::markup) events_->back().text += text;
}

void AnswerParser::account(std::string_view source) {
  if (is_open_) {
    source_ += source;
  } else {
    emit(Kind::markup, source);
  }
}

}  // namespace tinyllm
