#pragma once
// What models of each format write, in our own words, and what it means.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tinyllm {

struct Transcript {
  std::string_view tools, reasoning;  // the formats' names
  std::string_view text;
  std::string_view content, thought;
  std::vector<std::pair<std::string_view, std::string_view>> calls;  // name, arguments
  int n_failed = 0;
  bool in_reasoning = false;
};

// The functions of all transcripts.
inline constexpr std::string_view kTranscriptTools = R"json([
  {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {
    "city": {"type": "string"}, "days": {"type": "integer"}, "metric": {"type": "boolean"},
    "hours": {"type": "array"}, "note": {"type": ["string", "null"]}, "free": {}}}}},
  {"type": "function", "function": {"name": "now"}}
])json";

inline const std::vector<Transcript> kTranscripts = {
    {"hermes",
     "none",
     "No tool is needed:\n\n two  and two are 4. \n",
     "No tool is needed:\n\n two  and two are 4. \n",
     "",
     {}},
    {"hermes",
     "none",
     "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Oslo\", \"days\": "
     "2}}\n</tool_call>",
     "",
     "",
     {{"get_weather", "{\"city\": \"Oslo\", \"days\": 2}"}}},
    {"hermes",
     "none",
     "Let me look.\n\n<tool_call>\n{\"name\": \"now\", \"arguments\": "
     "{}}\n</tool_call>\n<tool_call>\n{\"arguments\": {\"city\": \"x</tool_call>\"}, \"name\": "
     "\"get_weather\"}\n</tool_call>\n",
     "Let me look.",
     "",
     {{"now", "{}"}, {"get_weather", "{\"city\": \"x</tool_call>\"}"}}},
    {"hermes",
     "none",
     "<tool_call>{\"name\": \"now\"}</tool_call> and then",
     "and then",
     "",
     {{"now", "{}"}}},
    {"hermes",
     "none",
     "<tool_call>{\"name\": \"now\", \"arguments\": \"{\\\"a\\\": [1]}\"}",
     "",
     "",
     {{"now", "{\"a\": [1]}"}}},
    {"hermes",
     "none",
     "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": \"two\nlines\t.\"}}</tool_call>",
     "",
     "",
     {{"now", "{\"a\": \"two\\nlines\\t.\"}"}}},
    {"hermes",
     "none",
     "<tool_call>{\"name\": \"now\", \"id\": \"i\", \"arguments\": null}</tool_call>",
     "",
     "",
     {{"now", "{}"}}},
    {"hermes",
     "none",
     "A <tool_call>{'name': 'now'}</tool_call> B",
     "A <tool_call>{'name': 'now'}</tool_call> B",
     "",
     {},
     1},
    {"hermes",
     "none",
     "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": 01}}</tool_call>",
     "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": 01}}</tool_call>",
     "",
     {},
     1},
    {"hermes",
     "none",
     "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": <tool_call>{\"name\": "
     "\"now\"}</tool_call>",
     "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": ",
     "",
     {{"now", "{}"}},
     1},
    {"hermes",
     "none",
     "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": \"cut",
     "<tool_call>{\"name\": \"now\", \"arguments\": {\"a\": \"cut",
     "",
     {},
     1},
    {"hermes",
     "none",
     "I write <tool and <tool_cal as words <",
     "I write <tool and <tool_cal as words <",
     "",
     {}},
    {"hermes",
     "think",
     "<think>\nIs it 4?\n\nYes.\n</think>\n\nIt is 4.",
     "It is 4.",
     "Is it 4?\n\nYes.",
     {}},
    {"hermes",
     "think",
     "Hm, <tool_call>?\n</think>\n\n<tool_call>\n{\"name\": \"now\", \"arguments\": "
     "{}}\n</tool_call>",
     "",
     "Hm, <tool_call>?",
     {{"now", "{}"}},
     0,
     true},
    {"hermes",
     "think",
     "Still thinking when the end ",
     "",
     "Still thinking when the end ",
     {},
     0,
     true},
    {"hermes", "think", "A word, then <think>no</think>", "A word, then <think>no</think>", "", {}},
    {"none", "think", "<think>\n\n</think>\n\nHi <tool_call>", "Hi <tool_call>", "", {}},
    {"qwen3_coder",
     "none",
     "I look.\n<tool_call>\n<function=get_weather>\n<parameter=city>\nSan "
     "\"Jose\"\nCA\n</parameter>\n<parameter=days>\n3\n</parameter>\n<parameter=metric>\nTrue\n</"
     "parameter>\n<parameter=hours>\n[1, "
     "2]\n</parameter>\n<parameter=note>\nnull\n</parameter>\n<parameter=free>\n</para\n</"
     "parameter>\n</function>\n</tool_call>",
     "I look.",
     "",
     {{"get_weather",
       "{\"city\": \"San \\\"Jose\\\"\\nCA\", \"days\": 3, \"metric\": true, \"hours\": [1, 2], "
       "\"note\": null, \"free\": \"</para\"}"}}},
    {"qwen3_coder",
     "none",
     "<function=now>\n</function>\n</tool_call>\n<tool_call>\n<function=now></function></"
     "tool_call>",
     "",
     "",
     {{"now", "{}"}, {"now", "{}"}}},
    {"qwen3_coder",
     "none",
     "<tool_call>\n<function=now>\n<parameter=a>\n1\n</parameter>\nstop",
     "<tool_call>\n<function=now>\n<parameter=a>\n1\n</parameter>\nstop",
     "",
     {},
     1},
    {"llama3_json",
     "none",
     "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Rome\"}}",
     "",
     "",
     {{"get_weather", "{\"city\": \"Rome\"}"}}},
    {"llama3_json",
     "none",
     "<|python_tag|>{\"name\": \"now\", \"parameters\": {}}; {\"name\": \"now\", \"parameters\": "
     "{\"b\": 1.5e3}}",
     "",
     "",
     {{"now", "{}"}, {"now", "{\"b\": 1.5e3}"}}},
    {"llama3_json",
     "none",
     "{\"name\": \"Ada\", \"born\": 1815}",
     "{\"name\": \"Ada\", \"born\": 1815}",
     "",
     {}},
    {"llama3_json",
     "none",
     "The answer is {\"name\": \"now\", \"parameters\": {}}",
     "The answer is {\"name\": \"now\", \"parameters\": {}}",
     "",
     {}},
    {"llama_pythonic",
     "none",
     "[get_weather(city='Ro\\'me', days=-2, hours=[1, None, {'a': True}]), now()]",
     "",
     "",
     {{"get_weather", "{\"city\": \"Ro'me\", \"days\": -2, \"hours\": [1, null, {\"a\": true}]}"},
      {"now", "{}"}}},
    {"llama_pythonic",
     "none",
     "<|python_start|>[now(a=\"x)]\")]<|python_end|>",
     "",
     "",
     {{"now", "{\"a\": \"x)]\"}"}}},
    {"llama_pythonic", "none", "[1] is a list, [now()] too", "[1] is a list, [now()] too", "", {}},
    {"llama_pythonic", "none", "[now(a=f())]", "[now(a=f())]", "", {}, 1},
    {"mistral",
     "none",
     "[TOOL_CALLS][{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Nice\"}}, {\"name\": "
     "\"now\", \"arguments\": {}}]",
     "",
     "",
     {{"get_weather", "{\"city\": \"Nice\"}"}, {"now", "{}"}}},
    {"mistral",
     "mistral",
     "[THINK]Two are needed.[/THINK]Wait.[TOOL_CALLS]get_weather[ARGS]{\"city\": "
     "\"Nice\"}[TOOL_CALLS]now[CALL_ID]abc123def[ARGS]{}",
     "Wait.",
     "Two are needed.",
     {{"get_weather", "{\"city\": \"Nice\"}"}, {"now", "{}"}}},
    {"mistral", "none", "[TOOL_CALLS]now{\"a\": {}}", "", "", {{"now", "{\"a\": {}}"}}},
    {"mistral",
     "none",
     "[TOOL_CALLS][{\"name\": \"now\", \"arguments\": {}}, oh]",
     "oh]",
     "",
     {{"now", "{}"}}},
    {"deepseek_v3",
     "think",
     "First the "
     "weather.\n</"
     "think>\n\n<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```"
     "json\n{\"city\": "
     "\"Bonn\"}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n```"
     "json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
     "",
     "First the weather.",
     {{"get_weather", "{\"city\": \"Bonn\"}"}, {"now", "{}"}},
     0,
     true},
    {"deepseek_v31",
     "none",
     "Now: <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{\"a\": "
     "\"ｅ｜\"}<｜tool▁call▁end｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{\"a\" "
     "1}<｜tool▁call▁end｜>",
     "Now:<｜tool▁call▁begin｜>now<｜tool▁sep｜>{\"a\" 1}<｜tool▁call▁end｜>",
     "",
     {{"now", "{\"a\": \"ｅ｜\"}"}},
     1},
    {"deepseek_v32",
     "none",
     "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"get_weather\">\n<｜DSML｜parameter "
     "name=\"city\" string=\"true\">Ulm <3</｜DSML｜parameter>\n<｜DSML｜parameter "
     "name=\"hours\" string=\"false\">[1, "
     "2]</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke "
     "name=\"now\">\n</｜DSML｜invoke>\n</｜DSML｜function_calls>",
     "",
     "",
     {{"get_weather", "{\"city\": \"Ulm <3\", \"hours\": [1, 2]}"}, {"now", "{}"}}},
    {"glm4",
     "think",
     "<think>I must "
     "look.</think>\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Łódź</"
     "arg_value>\n<arg_key>days</arg_key>\n<arg_value>5</arg_value>\n</"
     "tool_call>\n<tool_call>now</tool_call>",
     "",
     "I must look.",
     {{"get_weather", "{\"city\": \"Łódź\", \"days\": 5}"}, {"now", "{}"}}},
    {"glm4",
     "none",
     "<tool_call>now<arg_key>a</arg_key><arg_value>1</arg_value><arg_key>a</arg_key>",
     "<tool_call>now<arg_key>a</arg_key><arg_value>1</arg_value><arg_key>a</arg_key>",
     "",
     {},
     1},
    {"harmony",
     "none",
     "<|channel|>analysis<|message|>Need the "
     "weather.<|end|><|start|>assistant<|channel|>commentary<|message|>I look it "
     "up.<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather "
     "<|constrain|>json<|message|>{\"city\": \"Kyiv\"}<|call|>",
     "I look it up.",
     "Need the weather.",
     {{"get_weather", "{\"city\": \"Kyiv\"}"}}},
    {"harmony",
     "none",
     "<|channel|>analysis<|message|>Easy.<|end|><|start|>assistant<|channel|>final<|message|>It "
     "is 4.<|return|>",
     "It is 4.",
     "Easy.",
     {}},
    {"harmony",
     "none",
     "<|start|>assistant to=functions.now<|channel|>commentary json<|message|>{}",
     "",
     "",
     {{"now", "{}"}}},
    {"harmony",
     "none",
     "<|channel|>commentary to=functions.now<|message|>now please<|call|>",
     "to=functions.now<|message|>now please<|call|>",
     "",
     {},
     1},
    {"kimi_k2",
     "none",
     "I "
     "look.<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_"
     "argument_begin|>{\"city\": "
     "\"Lima\"}<|tool_call_end|><|tool_call_begin|>functions.now:1<|tool_call_argument_begin|>{}<"
     "|tool_call_end|><|tool_calls_section_end|>",
     "I look.",
     "",
     {{"get_weather", "{\"city\": \"Lima\"}"}, {"now", "{}"}}},
    {"granite",
     "granite",
     "Here is my thought process:\nWeather first.\n\nHere is my "
     "response:\n<|tool_call|>[{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Graz\"}}]",
     "",
     "Weather first.",
     {{"get_weather", "{\"city\": \"Graz\"}"}}},
    {"granite",
     "none",
     "<|tool_call|>{\"arguments\": {\"b\": 2}, \"name\": \"now\"}",
     "",
     "",
     {{"now", "{\"b\": 2}"}}},
    {"lfm2",
     "none",
     "<|tool_call_start|>[get_weather(city=\"Bern\")]<|tool_call_end|>Asked.",
     "Asked.",
     "",
     {{"get_weather", "{\"city\": \"Bern\"}"}}},
};

}  // namespace tinyllm
