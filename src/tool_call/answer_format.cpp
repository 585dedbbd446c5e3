#include "tool_call/answer_format.h"

#include <algorithm>

#include "base/error.h"
#include "base/quote.h"

namespace tinyllm {
namespace {

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

template <typename Format>
const Format* find_format(const std::vector<Format>& formats, std::string_view name,
                          std::string_view kind) {
  const auto found = std::ranges::find(formats, name, &Format::name);
  if (found != formats.end()) return &*found;
  if (name == "none") return nullptr;
  std::string names;
  for (const Format& format : formats) names += std::string(format.name) + ", ";
  fail(ErrorCode::usage, "{} is no {} format; there are {}none", quote(name), kind, names);
}

// The state of reasoning, and one behind it that drops the white space before the answer.
int add_reasoning(std::vector<FormatState>& states, const ReasoningFormat& format) {
  const int inside = static_cast<int>(states.size());
  for (const std::string_view begin : format.begins) {
    states[0].edges.push_back({.terminal = begin, .next = inside, .at_start = true});
  }
  FormatState reasoning{.kind = TextKind::reasoning};
  for (const std::string_view end : format.ends)
    reasoning.edges.push_back({.terminal = end, .next = inside + 1});
  states.push_back(std::move(reasoning));
  states.push_back({.kind = TextKind::space});
  return inside;
}

// The state that shows what came behind an opened analysis channel.
int first_reasoning_state(const std::vector<FormatState>& states) {
  const auto found = std::ranges::find(states, TextKind::reasoning, &FormatState::kind);
  return found == states.end() ? -1 : static_cast<int>(found - states.begin());
}

}  // namespace

const ToolFormat* find_tool_format(std::string_view name) {
  return find_format(tool_formats(), name, "tool");
}

const ReasoningFormat* find_reasoning_format(std::string_view name) {
  return find_format(reasoning_formats(), name, "reasoning");
}

const ToolFormat* tool_format_of(std::string_view text) {
  // The more telling words first: several families write <tool_call>.
  struct Sign {
    std::string_view words, name;
  };
  static constexpr Sign kSigns[] = {
      {"<|channel|>", "harmony"},
      {"<|tool_calls_section_begin|>", "kimi_k2"},
      {"｜DSML｜", "deepseek_v32"},
      {"<arg_key>", "glm4"},
      {"<function=", "qwen3_coder"},
      {"[TOOL_CALLS]", "mistral"},
      {"<|tool_call_start|>", "lfm2"},
      {"<|tool_call|>", "granite"},
      {"<tool_call>", "hermes"},
      {"<|python_start|>", "llama_pythonic"},
      {"[func_name1(", "llama_pythonic"},
      {"<|python_tag|>", "llama3_json"},
      {R"({"name": function name, "parameters":)", "llama3_json"},
  };
  if (has(text, "<｜tool▁call▁begin｜>"))
    return find_tool_format(has(text, "```json") ? "deepseek_v3" : "deepseek_v31");
  for (const Sign& sign : kSigns) {
    if (has(text, sign.words)) return find_tool_format(sign.name);
  }
  return nullptr;
}

const ReasoningFormat* reasoning_format_of(std::string_view text) {
  for (const ReasoningFormat& format : reasoning_formats()) {
    for (const std::string_view begin : format.begins) {
      if (has(text, begin)) return &format;
    }
    if (has(text, format.ends.front())) return &format;
  }
  return nullptr;
}

std::vector<FormatState> states_of(const ToolFormat& format, CallReading reading) {
  std::vector<FormatState> states = format.states;
  for (FormatState& state : states) {
    std::erase_if(state.edges, [&](const FormatEdge& edge) {
      return (edge.step == CallStep::open && reading == CallReading::none) ||
             (edge.step == CallStep::guess && reading < CallReading::named);
    });
  }
  return states;
}

std::shared_ptr<const AnswerFormat> make_answer_format(
    const ToolFormat* tools, const ReasoningFormat* reasoning, CallReading reading,
    function_ref<bool(std::string_view)> is_special_token) {
  const auto format = std::make_shared<AnswerFormat>();
  std::vector<FormatState> states = {{}};
  const bool tells_channels = tools != nullptr && tools->has_reasoning;
  if (tools != nullptr && (reading != CallReading::none || tells_channels))
    states = states_of(*tools, reading);
  format->guesses_by_name = reading == CallReading::named;
  format->reasoning_state = first_reasoning_state(states);
  if (reasoning != nullptr && !tells_channels)
    format->reasoning_state = add_reasoning(states, *reasoning);
  if (tools != nullptr) {
    format->has_qualified_names = tools->has_qualified_names;
  }
  for (FormatState& state : states) {
    AnswerFormat::State compiled;
    for (const FormatEdge& edge : state.edges) {
      compiled.is_special.push_back(is_special_token(edge.terminal));
      format->has_special_terminals |= compiled.is_special.back();
    }
    compiled.table = std::move(state);
    format->states.push_back(std::move(compiled));
  }
  return format;
}

}  // namespace tinyllm
