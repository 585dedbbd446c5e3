// Any bytes as a model's answer: the first byte picks the formats, the second where the text is cut.
// Nothing is lost, the cut changes nothing, and what is called has arguments that are JSON.

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/json_parse.h"
#include "tool_call/answer_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

namespace {

using namespace tinyllm;

const std::shared_ptr<const ToolTypes>& types() {
  static const auto kTypes = std::make_shared<const ToolTypes>(parse_ordered_json(
      R"([{"type": "function", "function": {"name": "now"}}, {"type": "function", "function":
          {"name": "get_weather", "parameters": {"type": "object", "properties": {
            "city": {"type": "string"}, "days": {"type": "integer"}}}}}])",
      "tools"));
  return kTypes;
}

struct Told {
  std::string source, content, arguments;
  bool operator==(const Told&) const = default;
};

Told parse(unsigned char pick, std::string_view text, std::size_t cut) {
  const auto& tools = tool_formats();
  const auto& reasoning = reasoning_formats();
  const auto format =
      make_answer_format(&tools[pick % tools.size()], &reasoning[pick % reasoning.size()],
                         CallReading::any, [](std::string_view) { return false; });
  AnswerParser parser(format, types(), {.in_reasoning = (pick & 0x80) != 0});
  std::vector<AnswerEvent> events;
  parser.push(text.substr(0, cut), false, events);
  parser.push(text.substr(cut), false, events);
  parser.finish(events);
  Told told;
  for (const AnswerEvent& event : events) {
    told.source += event.source;
    const bool is_content = event.kind == AnswerEvent::Kind::content;
    if (is_content || event.kind == AnswerEvent::Kind::call_failed) told.content += event.text;
    if (event.kind == AnswerEvent::Kind::call_begins) told.arguments += "\n" + event.name + " ";
    if (event.kind == AnswerEvent::Kind::call_arguments) told.arguments += event.text;
  }
  return told;
}

}  // namespace

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t cut = data[1] * text.size() / 256;
  const Told whole = parse(data[0], text, 0);
  if (whole.source != text || whole != parse(data[0], text, cut)) std::abort();
  return 0;
}
