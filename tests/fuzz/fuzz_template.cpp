// Any bytes as a chat template, rendered for a fixed conversation under low caps: it renders or
// throws Error, in bounded time and memory.

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"
#include "base/utf8.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/json.h"
#include "text/jinja/parser.h"

namespace {

using Json = nlohmann::ordered_json;

const Json& inputs() {
  static const Json kInputs = Json::parse(R"({
    "messages": [
      {"role": "system", "content": "Be <b>brief</b>.\n"},
      {"role": "user", "content": "Hi é 中 😀 <|im_end|>"},
      {"role": "assistant", "content": "<think>\nhm\n</think>\n\nHello", "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": {"x": [1, 2.5, null]}}}]},
      {"role": "tool", "content": "ok"}
    ],
    "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters":
      {"type": "object", "properties": {"x": {"type": "array"}}, "required": ["x"]}}}],
    "n": 3, "f": -2.5, "s": " a,b c ", "add_generation_prompt": true
  })");
  return kInputs;
}

// The marks are ascending, disjoint, not empty and inside the text.
bool is_well_formed(const tinyllm::MarkedText& text) {
  std::size_t last_end = 0;
  bool is_first = true;
  for (const tinyllm::TextRange& range : text.user_ranges) {
    if (range.begin >= range.end || range.end > text.text.size()) return false;
    if (!is_first && range.begin <= last_end) return false;
    is_first = false;
    last_end = range.end;
  }
  return tinyllm::is_valid_utf8(text.text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace tinyllm;
  try {
    const jinja::Body body = jinja::parse_template({reinterpret_cast<const char*>(data), size});
    jinja::Limits limits;
    limits.max_steps = 20'000;
    limits.max_string_bytes = 1 << 16;
    limits.max_allocated_bytes = 4 << 20;
    jinja::Runtime runtime(limits, 1'772'541'296);
    jinja::Scope* scope = runtime.push_scope(nullptr);
    for (const auto& [name, value] : inputs().items()) {
      scope->set(name, jinja::value_from_json(runtime, value, jinja::Origin::user));
    }
    if (!is_well_formed(jinja::Interpreter(runtime, scope).run(body))) std::abort();
  } catch (const Error&) {
    return 0;
  }
  return 0;
}
