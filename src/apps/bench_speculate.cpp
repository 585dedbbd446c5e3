#include "apps/bench_speculate.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "apps/bench_runs.h"
#include "apps/loading_bar.h"
#include "apps/standard_output.h"
#include "base/error.h"
#include "client/chat_prompt.h"
#include "client/grammar_cache.h"
#include "client/open_model.h"
#include "client/read_stream.h"
#include "engine/engine_options.h"
#include "loader/text/text_sources.h"
#include "text/model_text.h"

namespace tinyllm {
namespace {

struct Workload {
  const char* name;
  const char* prompt;
  const char* schema = nullptr;  // of the JSON that is written
  bool is_chat = false;          // the prompt is a message
};

// From texts that say much of the answer themselves to one that says nothing of it.
constexpr std::array<Workload, 7> kWorkloads{{
    {"edit",
     "Rename the variable `total` to `amount` in this code.\n\n```python\n"
     "def average(values):\n    total = 0\n    count = 0\n    for value in values:\n"
     "        total = total + value\n        count = count + 1\n    if count == 0:\n"
     "        return 0\n    return total / count\n\n\ndef scaled(values, factor):\n"
     "    total = 0\n    for value in values:\n        total = total + value * factor\n"
     "    return total\n```\n\nThe code after the change:\n\n```python\n"},
    {"repetition",
     "Here is the same line ten times.\n1. The quick brown fox jumps over the lazy dog.\n"
     "2. The quick brown fox jumps over the lazy dog.\n3. The quick brown fox"},
    {"json",
     "A list of people as JSON:\n[\n  {\"name\": \"Ada\", \"born\": 1815, \"field\": "
     "\"mathematics\"},\n  {\"name\": \"Alan\", \"born\": 1912, \"field\": \"computing\"},\n"},
    {"code",
     "from typing import List\n\n\ndef has_close_elements(numbers: List[float], threshold: float) "
     "-> bool:\n    \"\"\"Check if in the list any two numbers are closer to each other than the\n"
     "    threshold.\n    >>> has_close_elements([1.0, 2.0, 3.0], 0.5)\n    False\n    \"\"\"\n"},
    {"prose", "Once upon a time, in a small town by the sea, there lived an old clockmaker who"},
    {"schema",
     "Describe twelve different books of the world's literature as JSON. For each book give its "
     "title, its author, its year, the language and a list of four subjects.\n\n```json\n",
     R"({"type": "array", "minItems": 12, "items": {"type": "object", "properties": {)"
     R"("title": {"type": "string"}, "author": {"type": "string"}, "year": {"type": "integer"}, )"
     R"("language": {"type": "string"}, "subjects": {"type": "array", "items": {"type": )"
     R"("string"}, "minItems": 4, "maxItems": 4}}, "required": ["title", "author", "year", )"
     R"("language", "subjects"], "additionalProperties": false}})"},
    {"chat", "Explain to a child why the sky is blue.", nullptr, true},
}};

// A workload as an engine takes it.
struct Task {
  std::vector<TokenId> prompt_ids;
  std::shared_ptr<const TextConstraint> constraint;
};

struct Run {
  std::vector<TokenId> token_ids;
  double tokens_a_second = 0;
};

std::unique_ptr<Engine> open_with(const Checkpoint& checkpoint,
                                  const std::shared_ptr<const ModelText>& text,
                                  const BenchSpeculateCommand& command, bool drafts) {
  EngineOptions options;
  options.context = command.context;  // of the draft model
  options.n_threads = command.n_threads;
  options.prefix_cache = false;
  options.speculation = drafts ? Speculation::automatic : Speculation::off;
  if (drafts && !command.draft_model.empty()) options.draft_model = find_model(command.draft_model);
  options.limits.max_num_seqs = 1;
  options.limits.max_model_len = 1024 + command.n_gen;
  options.kv.n_blocks = options.kv.blocks_for(options.limits.max_model_len);
  return load_engine(checkpoint, text, options, LoadingBar());
}

Task task_of(const Workload& workload, const ModelText& text, GrammarCache& grammars) {
  Task task;
  const Tokenizer& tokenizer = *text.tokenizer;
  if (workload.is_chat) {
    const nlohmann::ordered_json message = {{"role", "user"}, {"content", workload.prompt}};
    task.prompt_ids = encode_chat(
        tokenizer,
        text.chat_template->render({{"messages", nlohmann::ordered_json::array({message})}}));
  } else {
    task.prompt_ids = tokenizer.encode(workload.prompt);
  }
  if (workload.schema != nullptr)
    task.constraint = grammars.get({GrammarKind::json_schema, workload.schema});
  return task;
}

// Each repeat with a salt of its own: no answer may be drafted from the one before it.
Run run(Engine& engine, const Task& task, int n_gen, int repeat) {
  Request request;
  request.prompt_ids = task.prompt_ids;
  request.constraint = task.constraint;
  request.params.temperature = 0;
  request.params.max_tokens = n_gen;
  request.params.ignore_eos = true;
  request.cache_salt = std::to_string(repeat);
  Run result;
  std::chrono::steady_clock::time_point begin, end;
  read_stream(*engine.submit(std::move(request)), [&](OutputPiece&& piece) {
    if (piece.token_ids.empty()) return;
    if (result.token_ids.empty()) begin = piece.time;
    end = piece.time;
    result.token_ids.insert(result.token_ids.end(), piece.token_ids.begin(), piece.token_ids.end());
  });
  result.tokens_a_second = static_cast<double>(result.token_ids.size() - 1) /
                           std::chrono::duration<double>(end - begin).count();
  return result;
}

}  // namespace

void run_bench_speculate(const BenchSpeculateCommand& command) {
  const Checkpoint checkpoint = open_checkpoint(command.model, command.context);
  const auto text = std::make_shared<const ModelText>(load_model_text(checkpoint));
  require(text->tokenizer, checkpoint);
  GrammarCache grammars(*text);
  const auto plain = open_with(checkpoint, text, command, false);
  const auto drafting = open_with(checkpoint, text, command, true);
  nlohmann::ordered_json report = nlohmann::ordered_json::object();
  std::string table = fmt::format(
      "{}, {} threads; tokens a second, medians of {}\n\n{:<12}{:>10}"
      "{:>10}{:>8}{:>18}\n",
      command.model, plain->options().n_threads, command.n_repeats, "", "plain", "drafts", "ratio",
      "tokens a step");
  for (const Workload& workload : kWorkloads) {
    if (workload.is_chat && !text->chat_template) continue;
    const Task task = task_of(workload, *text, grammars);
    Runs without, with, ratios;
    const std::uint64_t n_steps = drafting->metrics().n_steps;
    for (int repeat = 0; repeat < command.n_repeats; ++repeat) {
      const Run a = run(*plain, task, command.n_gen, repeat);
      const Run b = run(*drafting, task, command.n_gen, repeat);
      if (a.token_ids != b.token_ids)
        fail(ErrorCode::invalid_input, "'{}': the text differs with drafts", workload.name);
      without.values.push_back(a.tokens_a_second);
      with.values.push_back(b.tokens_a_second);
      ratios.values.push_back(b.tokens_a_second / a.tokens_a_second);
    }
    const double per_step = static_cast<double>(command.n_gen) * command.n_repeats /
                            static_cast<double>(drafting->metrics().n_steps - n_steps);
    table += fmt::format("{:<12}{:>10.1f}{:>10.1f}{:>8.2f}{:>18.2f}\n", workload.name,
                         without.median(), with.median(), ratios.median(), per_step);
    report[workload.name] = {{"plain_tok_s", without.values},
                             {"drafts_tok_s", with.values},
                             {"ratio", ratios.median()},
                             {"tokens_a_step", per_step}};
  }
  write_stdout(command.as_json ? report.dump() + "\n" : table);
}

}  // namespace tinyllm
