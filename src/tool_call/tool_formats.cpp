// The formats of tool calls: what each model family was trained to write.

#include "tool_call/answer_format.h"

namespace tinyllm {
namespace {

using enum CallStep;
using Kind = TextKind;

// <tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>: Hermes, Qwen 2.5 and 3, Granite 4. Small
// models write the object as a block of JSON, or alone; where calls are forced they are all the text.
ToolFormat hermes() {
  return {.name = "hermes",
          .states = {
              {Kind::content,
               {{"<tool_call>", 1, open},
                {"<tools>", 1, guess},
                {"```json", 3, guess},
                {"{", 3, guess, /*stays=*/true, /*at_start=*/true},
                {"[", 3, guess, /*stays=*/true, /*at_start=*/true}}},
              {Kind::json_calls, {}, 2},
              {Kind::space, {{"</tool_call>", 2}, {"</tools>", 2}}},
              {Kind::json_calls, {}, 4},
              {Kind::space, {{"```", 2}, {"{", 3, guess, /*stays=*/true}}},
          }};
}

// <tool_call><function=f><parameter=a>\n1\n</parameter></function></tool_call>. The outer tag is
// left out now and then.
ToolFormat qwen3_coder() {
  return {.name = "qwen3_coder",
          .states = {
              {Kind::content, {{"<tool_call>", 1, open}, {"<function=", 2, open}}},
              {Kind::space, {{"<function=", 2}}, kFail},
              {Kind::name, {{">", 3, begin}}},
              {Kind::space, {{"<parameter=", 4}, {"</function>", 6, close}}, kFail},
              {Kind::key, {{">", 5}}},
              {Kind::value, {{"</parameter>", 3}}},
              {Kind::space, {{"</tool_call>", 6}}},
          }};
}

// {"name": "f", "parameters": {"a": 1}} and nothing else; <|python_tag|> may stand before it, and ;
// between two.
ToolFormat llama3_json() {
  return {.name = "llama3_json",
          .states = {
              {Kind::content,
               {{"{", 1, guess, /*stays=*/true, /*at_start=*/true}, {"<|python_tag|>", 1, open}}},
              {Kind::json_calls, {}, 2},
              {Kind::space, {{";", 3}, {"<|python_tag|>", 1, open}}},
              {Kind::space, {{"{", 1, guess, /*stays=*/true}, {"<|python_tag|>", 1, open}}},
          }};
}

// [f(a=1, b="x"), g()]: Llama 3.2 and 4.
ToolFormat llama_pythonic() {
  return {.name = "llama_pythonic",
          .states = {
              {Kind::content,
               {{"[", 1, guess, /*stays=*/true, /*at_start=*/true}, {"<|python_start|>", 1, open}}},
              {Kind::python_calls, {}, 2},
              {Kind::space, {{"<|python_end|>", 2}}},
          }};
}

// <|tool_call_start|>[f(a=1)]<|tool_call_end|>
ToolFormat lfm2() {
  return {.name = "lfm2",
          .states = {
              {Kind::content, {{"<|tool_call_start|>", 1, open}}},
              {Kind::python_calls, {}, 2},
              {Kind::space, {{"<|tool_call_end|>", 2}}},
          }};
}

// [TOOL_CALLS][{"name": "f", "arguments": {"a": 1}}], and since 2025 [TOOL_CALLS]f[ARGS]{"a": 1}.
ToolFormat mistral() {
  return {
      .name = "mistral",
      .states =
          {
              {Kind::content, {{"[TOOL_CALLS]", 1, open}}},
              {Kind::space, {{"[", 2, none, /*stays=*/true}}, 3},
              {Kind::json_calls, {}, 6},
              {Kind::name,
               {{"[ARGS]", 5, begin}, {"[CALL_ID]", 4, begin}, {"{", 5, begin, /*stays=*/true}}},
              {Kind::header, {{"[ARGS]", 5}}},
              {Kind::json_arguments, {}, 6},
              {Kind::space, {{"[TOOL_CALLS]", 1, open}}},
          },
      .id_length = 9};
}

// <｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{"a": 1}\n```<｜tool▁call▁end｜>
ToolFormat deepseek_v3() {
  return {.name = "deepseek_v3",
          .states = {
              {Kind::content, {{"<｜tool▁calls▁begin｜>", 1}, {"<｜tool▁call▁begin｜>", 2, open}}},
              {Kind::space, {{"<｜tool▁call▁begin｜>", 2, open}, {"<｜tool▁calls▁end｜>", 1}}},
              {Kind::header, {{"<｜tool▁sep｜>", 3}}},
              {Kind::name, {{"```json", 4, begin}}},
              {Kind::json_arguments, {}, 5},
              {Kind::space, {{"```", 6}, {"<｜tool▁call▁end｜>", 1}}},
              {Kind::space, {{"<｜tool▁call▁end｜>", 1}}},
          }};
}

// <｜tool▁call▁begin｜>f<｜tool▁sep｜>{"a": 1}<｜tool▁call▁end｜>
ToolFormat deepseek_v31() {
  return {.name = "deepseek_v31",
          .states = {
              {Kind::content, {{"<｜tool▁calls▁begin｜>", 1}, {"<｜tool▁call▁begin｜>", 2, open}}},
              {Kind::space, {{"<｜tool▁call▁begin｜>", 2, open}, {"<｜tool▁calls▁end｜>", 1}}},
              {Kind::name, {{"<｜tool▁sep｜>", 3, begin}}},
              {Kind::json_arguments, {}, 4},
              {Kind::space, {{"<｜tool▁call▁end｜>", 1}}},
          }};
}

// <｜DSML｜invoke name="f"><｜DSML｜parameter name="a" string="false">1</｜DSML｜parameter>...
ToolFormat deepseek_v32() {
  constexpr std::string_view kInvoke = "<｜DSML｜invoke name=\"";
  constexpr std::string_view kEndOfParameter = "</｜DSML｜parameter>";
  return {.name = "deepseek_v32",
          .states = {
              {Kind::content, {{"<｜DSML｜function_calls>", 1}, {kInvoke, 2, open}}},
              {Kind::space, {{kInvoke, 2, open}, {"</｜DSML｜function_calls>", 1}}},
              {Kind::name, {{"\">", 3, begin}}},
              {Kind::space,
               {{"<｜DSML｜parameter name=\"", 4}, {"</｜DSML｜invoke>", 1, close}},
               kFail},
              {Kind::key, {{"\" string=\"true\">", 5}, {"\" string=\"false\">", 6}}},
              {Kind::string_value, {{kEndOfParameter, 3}}},
              {Kind::json_value, {{kEndOfParameter, 3}}},
          }};
}

// <tool_call>f\n<arg_key>a</arg_key>\n<arg_value>1</arg_value>\n</tool_call>
ToolFormat glm4() {
  return {.name = "glm4",
          .states = {
              {Kind::content, {{"<tool_call>", 1, open}}},
              {Kind::name, {{"<arg_key>", 2, begin}, {"</tool_call>", 6, begin_and_close}}},
              {Kind::key, {{"</arg_key>", 3}}},
              {Kind::space, {{"<arg_value>", 4}}, kFail},
              {Kind::value, {{"</arg_value>", 5}}},
              {Kind::space, {{"<arg_key>", 2}, {"</tool_call>", 6, close}}, kFail},
              {Kind::space, {{"<tool_call>", 1, open}}},
          }};
}

// <|channel|>analysis<|message|>...<|end|><|start|>assistant<|channel|>commentary to=functions.f
// <|constrain|>json<|message|>{"a": 1}<|call|>: gpt-oss. The call may also stand in the role:
// <|start|>assistant to=functions.f<|channel|>commentary json<|message|>.
ToolFormat harmony() {
  return {.name = "harmony",
          .states =
              {
                  {Kind::content,
                   {{"<|channel|>", 1}, {"<|start|>", 5}, {"<|end|>", 0}, {"<|return|>", 0}}},
                  {Kind::space, {{"analysis", 2}, {"commentary", 3}, {"final", 3}}},
                  {Kind::header, {{"<|message|>", 4}, {"to=", 6, open}}},
                  {Kind::header, {{"<|message|>", 0}, {"to=", 6, open}}},
                  {Kind::reasoning, {{"<|end|>", 10}, {"<|start|>", 5}, {"<|channel|>", 1}}},
                  {Kind::header, {{"<|channel|>", 1}, {"<|message|>", 0}, {"to=", 6, open}}},
                  {Kind::name,
                   {{"<|message|>", 8, begin},
                    {"<|channel|>", 7, begin},
                    {"<|constrain|>", 7, begin},
                    {" ", 7, begin}}},
                  {Kind::header, {{"<|message|>", 8}}},
                  {Kind::json_arguments, {}, 9},
                  {Kind::space, {{"<|call|>", 10}, {"<|end|>", 10}, {"<|start|>", 5}}},
                  {Kind::space, {{"<|start|>", 5}, {"<|channel|>", 1}}},
              },
          .has_qualified_names = true,
          .has_reasoning = true};
}

// <|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{"a": 1}<|tool_call_end|>
ToolFormat kimi_k2() {
  return {
      .name = "kimi_k2",
      .states =
          {
              {Kind::content,
               {{"<|tool_calls_section_begin|>", 1}, {"<|tool_call_begin|>", 2, open}}},
              {Kind::space, {{"<|tool_call_begin|>", 2, open}, {"<|tool_calls_section_end|>", 1}}},
              {Kind::name, {{"<|tool_call_argument_begin|>", 3, begin}}},
              {Kind::json_arguments, {}, 4},
              {Kind::space, {{"<|tool_call_end|>", 1}}},
          },
      .has_qualified_names = true};
}

// <|tool_call|>[{"name": "f", "arguments": {"a": 1}}]; Granite 3.0 to 3.3.
ToolFormat granite() {
  return {.name = "granite",
          .states = {
              {Kind::content, {{"<|tool_call|>", 1, open}, {"<tool_call>", 1, open}}},
              {Kind::json_calls, {}, 2},
              {Kind::space, {{"</tool_call>", 2}}},
          }};
}

}  // namespace

const std::vector<ToolFormat>& tool_formats() {
  static const std::vector<ToolFormat> formats = {
      hermes(),      qwen3_coder(),  llama3_json(),  llama_pythonic(), mistral(),
      deepseek_v3(), deepseek_v31(), deepseek_v32(), glm4(),           harmony(),
      kimi_k2(),     granite(),      lfm2()};
  return formats;
}

const std::vector<ReasoningFormat>& reasoning_formats() {
  static const std::vector<ReasoningFormat> formats = {
      {"think", {"<think>"}, {"</think>"}},
      {"mistral", {"[THINK]"}, {"[/THINK]"}},
      {"granite",
       {"Here is my thought process:", "Here's my thought process:"},
       {"Here is my response:", "Here's my response:"}},
  };
  return formats;
}

}  // namespace tinyllm
