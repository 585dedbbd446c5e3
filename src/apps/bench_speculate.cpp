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
};

// From texts that say much of the answer themselves to one that says nothing of it.
constexpr std::array<Workload, 5> kWorkloads{{
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
}};

struct Run {
  std::vector<TokenId> token_ids;
  double tokens_a_second = 0;
};

std::unique_ptr<Engine> open_with(const Checkpoint& checkpoint,
                                  const std::shared_ptr<const ModelText>& text,
                                  const BenchSpeculateCommand& command, Speculation speculation) {
  EngineOptions options;
  options.n_threads = command.n_threads;
  options.prefix_cache = false;
  options.speculation = speculation;
  options.limits.max_num_seqs = 1;
  options.limits.max_model_len = 1024 + command.n_gen;
  options.kv.n_blocks = options.kv.blocks_for(options.limits.max_model_len);
  return load_engine(checkpoint, text, options, LoadingBar());
}

// Each repeat with a salt of its own: no answer may be drafted from the one before it.
Run run(Engine& engine, const std::vector<TokenId>& prompt_ids, int n_gen, int repeat) {
  Request request;
  request.prompt_ids = prompt_ids;
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
  const Checkpoint checkpoint = open_checkpoint(command.model);
  const auto text = std::make_shared<const ModelText>(load_model_text(checkpoint));
  const Tokenizer& tokenizer = require(text->tokenizer, checkpoint);
  const auto plain = open_with(checkpoint, text, command, Speculation::off);
  const auto drafting = open_with(checkpoint, text, command, Speculation::suffix);
  nlohmann::ordered_json report = nlohmann::ordered_json::object();
  std::string table = fmt::format(
      "{}, {} threads; tokens a second, medians of {}\n\n{:<12}{:>10}"
      "{:>10}{:>8}{:>18}\n",
      command.model, plain->options().n_threads, command.n_repeats, "", "plain", "drafts", "ratio",
      "tokens a step");
  for (const Workload& workload : kWorkloads) {
    const std::vector<TokenId> prompt_ids = tokenizer.encode(workload.prompt);
    Runs without, with, ratios;
    const std::uint64_t n_steps = drafting->metrics().n_steps;
    for (int repeat = 0; repeat < command.n_repeats; ++repeat) {
      const Run a = run(*plain, prompt_ids, command.n_gen, repeat);
      const Run b = run(*drafting, prompt_ids, command.n_gen, repeat);
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
