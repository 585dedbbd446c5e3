// tinyllm generate: continue a text or a list of token ids.

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "api/context_limit.h"
#include "apps/commands.h"
#include "apps/dump_layers.h"
#include "apps/engine_options.h"
#include "apps/grammar_options.h"
#include "apps/loading_bar.h"
#include "apps/options.h"
#include "apps/printable.h"
#include "apps/profile_table.h"
#include "apps/progress_bar.h"
#include "apps/sampling_options.h"
#include "apps/standard_output.h"
#include "apps/terminal.h"
#include "apps/token_ids.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "client/completer.h"
#include "client/open_model.h"
#include "loader/text/text_sources.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr int kDefaultMaxTokens = 128;

struct GenerateCommand {
  std::string model;
  EngineFlags engine;
  SamplingOptions sampling;
  GrammarOptions grammar;
  std::string prompt, prompt_file, token_ids, dump_folder;
  bool has_prompt = false, has_token_ids = false;
  bool no_special = false, as_json = false;
  int n_top_logits = 0;
};

std::string read_prompt(const GenerateCommand& command) {
  if (command.has_prompt) return command.prompt;
  return command.prompt_file == "-" ? read_stdin() : read_text_file(command.prompt_file);
}

std::vector<TokenId> prompt_ids_of(const GenerateCommand& command, const ModelText& text,
                                   const Checkpoint& checkpoint) {
  std::vector<TokenId> ids;
  if (command.has_token_ids) {
    ids = parse_token_ids(command.token_ids, "--token-ids", checkpoint.config().vocab_size);
  } else {
    EncodeOptions options;
    options.parse_special = !command.no_special;
    ids = require(text.tokenizer, checkpoint).encode(read_prompt(command), options);
  }
  if (ids.empty()) fail(ErrorCode::invalid_input, "the prompt is empty; give at least one token");
  return ids;
}

// Positions for prompt and answer: what the user said, else as many as they need, as far as the
// model was trained for.
std::int64_t context_for(const GenerateCommand& command, const SamplingParams& params,
                         std::int64_t n_prompt, const ModelConfig& config) {
  const std::int64_t context = command.engine.context > 0
                                   ? command.engine.context
                                   : std::min(n_prompt + params.max_tokens, config.max_seq_len);
  require_room(n_prompt, context);
  return context;
}

// Text to stdout as it comes, unless it goes into a JSON object.
Completion complete(Completer& completer, const std::vector<TokenId>& prompt_ids,
                    const SamplingParams& params, bool wants_logits, bool as_json) {
  ProgressBar progress("reading", std::ssize(prompt_ids));
  const bool for_terminal = is_terminal(STDOUT_FILENO);
  const auto on_text = [&](std::string_view text) {
    progress.clear();
    if (as_json) return;
    write_stdout(for_terminal ? printable(text, /*several_lines=*/true) : std::string(text));
  };
  const auto on_prefill = [&](std::int64_t n_done, std::int64_t) { progress.update(n_done); };
  return completer.complete(prompt_ids, params, wants_logits,
                            {on_text, on_prefill, [] { return false; }});
}

double rate(std::size_t n, double seconds) {
  return seconds > 0 ? static_cast<double>(n) / seconds : 0.0;
}

// The k highest, equal ones by id.
json top_logits(const std::vector<float>& logits, int k) {
  std::vector<TokenId> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto n = std::min(static_cast<std::ptrdiff_t>(ids.size()), std::ptrdiff_t{k});
  std::partial_sort(ids.begin(), ids.begin() + n, ids.end(), [&](TokenId a, TokenId b) {
    const float x = logits[a], y = logits[b];
    return x != y ? x > y : a < b;
  });
  json top = json::array();
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    const TokenId id = ids[i];
    top.push_back({{"id", id}, {"logit", logits[id]}});
  }
  return top;
}

json to_json(const Completion& completion, std::size_t n_prompt, int n_top_logits, double load_s) {
  const std::size_t n_decoded = completion.token_ids.empty() ? 0 : completion.token_ids.size() - 1;
  const std::size_t n_computed = n_prompt - static_cast<std::size_t>(completion.n_cached_tokens);
  return {{"text", completion.text},
          {"token_ids", completion.token_ids},
          {"prompt_tokens", n_prompt},
          {"cached_tokens", completion.n_cached_tokens},
          {"finish_reason", to_string(completion.finish_reason)},
          {"top_logits", top_logits(completion.prompt_logits, n_top_logits)},
          {"timings",
           {{"load_s", load_s},
            {"ttft_s", completion.prefill_s},
            {"prefill_tok_s", rate(n_computed, completion.prefill_s)},
            {"decode_tok_s", rate(n_decoded, completion.decode_s)}}}};
}

void run_generate(const GenerateCommand& command) {
  const Stopwatch clock;
  const Checkpoint checkpoint =
      open_checkpoint(command.model, context_settings(command.engine.sight));
  const auto text = std::make_shared<const ModelText>(load_model_text(checkpoint));
  SamplingParams params = completion_sampling(command.sampling);
  params.max_tokens = command.sampling.max_tokens.value_or(kDefaultMaxTokens);
  const std::vector<TokenId> prompt_ids = prompt_ids_of(command, *text, checkpoint);
  const std::int64_t n_prompt = std::ssize(prompt_ids);
  const std::int64_t context = context_for(command, params, n_prompt, checkpoint.config());
  fit_into_room(params, n_prompt, context);
  validate(params, checkpoint.config().vocab_size);
  if (!command.dump_folder.empty()) {
    dump_layers(checkpoint, prompt_ids, command.engine, command.dump_folder);
    return;
  }
  CompleterOptions running = completer_options(command.engine, context);
  running.constraint = text_constraint(command.grammar, *text);
  const ProfileReport report(running.engine.profile);
  const std::unique_ptr<Completer> completer =
      make_completer(checkpoint, text, running,
                     LoadingBar(running.reference ? ProgressUnit::bytes : ProgressUnit::count));
  log(LogLevel::info, "{}; seed {}", completer->about(), params.seed);
  const double load_s = clock.seconds();
  const Completion completion =
      complete(*completer, prompt_ids, params, command.n_top_logits > 0, command.as_json);
  if (command.as_json) {
    const json answer = to_json(completion, prompt_ids.size(), command.n_top_logits, load_s);
    write_stdout(answer.dump() + "\n");
  } else if (!text->tokenizer) {
    write_stdout(format_token_ids(completion.token_ids) + "\n");
  } else if (!completion.text.ends_with('\n')) {
    write_stdout("\n");
  }
}

}  // namespace

void add_generate_command(Command app) {
  Command command = app.add_subcommand("generate", "Continue a text (no chat template)");
  auto options = std::make_shared<GenerateCommand>();
  add_model_option(command, options->model);
  Option prompt = command.add_option("-p,--prompt", options->prompt, "The text to continue");
  prompt.type_name("TEXT");
  Option prompt_file = command.add_option("-f,--prompt-file", options->prompt_file,
                                          "Read it from a file; '-': stdin");
  prompt_file.type_name("FILE");
  Option token_ids = command.add_option("--token-ids", options->token_ids,
                                        "Token ids instead of text; works without a tokenizer");
  token_ids.type_name("1,2,3");
  command.add_flag("--no-special", options->no_special,
                   "Special tokens such as <|im_end|> in the prompt are ordinary text");
  command.add_flag("--json", options->as_json, "One JSON object instead of text");
  command
      .add_option("--top-logits", options->n_top_logits,
                  "With --json: the K highest logits after the prompt")
      .in_range(0, 1 << 20)
      .type_name("K");
  command.add_flag("--recompute", options->engine.recompute,
                   "With --engine reference: keep no K/V rows, every token runs the whole "
                   "sequence again (slow; to learn)");
  command
      .add_option("--dump-layers", options->dump_folder,
                  "Run the prompt only and write each layer's output there, layer_00.npy [tokens, "
                  "hidden size] f32 and so on")
      .type_name("DIR");
  add_engine_options(command, options->engine);
  add_kv_store_option(command, options->engine);
  add_profile_option(command, options->engine);
  add_sampling_options(command, options->sampling);
  add_grammar_options(command, options->grammar);
  add_examples(command,
               "  tinyllm generate -m smollm2-135m -p \"Once upon a time\" -n 50\n"
               "  tinyllm generate -m smollm2-135m -f essay.txt --temperature 0.8 --seed 1\n"
               "  tinyllm generate -m ./model --token-ids 1,2,3 --top-logits 5 --json\n\n"
               "Without --temperature the likeliest token is taken (greedy); without\n"
               "--max-tokens at most 128 of them.");
  command.callback([options, prompt, prompt_file, token_ids] {
    if (prompt.given() + prompt_file.given() + token_ids.given() != 1) {
      fail(ErrorCode::usage, "give exactly one of --prompt, --prompt-file, --token-ids");
    }
    if (options->n_top_logits > 0 && !options->as_json)
      fail(ErrorCode::usage, "--top-logits are part of the JSON: give --json too");
    if (options->engine.recompute && !options->engine.reference()) {
      fail(ErrorCode::usage, "--recompute works with --engine reference only");
    }
    check_profile(options->engine);
    check_grammar(options->grammar, options->engine);
    options->has_prompt = prompt.given();
    options->has_token_ids = token_ids.given();
    run_generate(*options);
  });
}

}  // namespace tinyllm
