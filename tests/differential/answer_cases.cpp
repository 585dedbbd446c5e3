// What tiny-llm makes of the cases that the tests beside this file invent, for comparison with
// tokenizers, transformers and jinja2. One JSON object a line on stdin, one a line on stdout:
//   {"folder": PATH, "texts": [...]}      -> {"ids": [...], "plain": [...], "with_special": [...],
//                                             "decoded": [...], "skipped": [...]}
//   {"template": TEXT, "inputs": "{...}"} -> {"text": ...}
// or {"error": MESSAGE}. The inputs are JSON text, so that numbers stay as they are written.

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "base/json_parse.h"
#include "loader/hf_folder.h"
#include "loader/text/tokenizer_from_hf.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace {

using Json = nlohmann::ordered_json;
using namespace tinyllm;

constexpr std::time_t kNow = 1772541296;  // 2026-03-03 12:34:56 UTC

Json answer_tokenizer(const Json& request) {
  const HuggingFaceFolder folder(request.at("folder").get<std::string>());
  const Tokenizer tokenizer(*tokenizer_from_hf(folder));
  Json answer;
  for (const Json& entry : request.at("texts")) {
    const auto text = entry.get<std::string>();
    const auto ids = tokenizer.encode(text, {.add_special = false});
    answer["ids"].push_back(ids);
    answer["plain"].push_back(
        tokenizer.encode(text, {.add_special = false, .parse_special = false}));
    answer["with_special"].push_back(tokenizer.encode(text));
    answer["decoded"].push_back(tokenizer.decode(ids));
    answer["skipped"].push_back(tokenizer.decode(ids, true));
  }
  return answer;
}

Json answer_template(const Json& request) {
  Json inputs = parse_ordered_json(request.at("inputs").get<std::string>(), "inputs");
  TemplateOptions options;
  options.now = kNow;
  options.add_generation_prompt = request.value("add_generation_prompt", true);
  const Json special_tokens = {{"bos_token", "<|begin|>"}, {"eos_token", "<|end|>"}};
  const ChatTemplate chat_template(request.at("template").get<std::string>(), special_tokens);
  return {{"text", chat_template.render(inputs, options).text}};
}

Json answer(const Json& request) {
  try {
    return request.contains("folder") ? answer_tokenizer(request) : answer_template(request);
  } catch (const Error& error) {
    return {{"error", error.what()}};
  }
}

}  // namespace

int main() {
  setenv("TZ", "UTC", 1);
  std::string line;
  while (std::getline(std::cin, line))
    std::cout << answer(Json::parse(line)).dump() << '\n' << std::flush;
}
