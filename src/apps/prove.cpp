// tinyllm prove: the same text whatever happens around it.

#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/first_chat.h"
#include "apps/options.h"
#include "apps/standard_output.h"
#include "base/error.h"
#include "client/open_model.h"
#include "client/prove.h"
#include "loader/text/text_sources.h"
#include "text/model_text.h"

namespace tinyllm {
namespace {

// Some of it repeats, so that there is something to draft from.
constexpr const char* kPrompt =
    "The engine keeps a list of requests. Each request has a prompt, a number of tokens and a "
    "stream. The engine computes the tokens of each request in steps. In each step the engine "
    "takes some tokens of each request, and each request gets its own tokens back. When the "
    "engine has no memory left, it stops a request, and computes the tokens of that request "
    "again. Here is the list of requests:\n"
    "1. request one, 16 tokens\n2. request two, 16 tokens\n3. request three, 16 tokens\n4.";

struct ProveCommand {
  std::string model;
  std::string prompt = kPrompt;
  EngineFlags engine;
  int max_tokens = 48;
  bool as_json = false;
};

// A window that no text is longer than proves nothing; and one that is asked for is to be proven in
// less memory than the text would need.
void check_window(const ContextFlags& sight, const ProofOptions& options) {
  const std::int64_t n_tokens = std::ssize(options.prompt_ids) + options.max_tokens;
  if (sight.window == 0) return;
  const std::int64_t least = least_memory_tokens(sight.window + sight.sinks);
  if (least < n_tokens) return;
  fail(
      ErrorCode::usage,
      "--window {} --sinks {}: the texts have {} tokens, and more than {} are needed, so that they "
      "do not fit into the window's memory; give a smaller window, a longer --prompt or more "
      "--max-tokens",
      sight.window, sight.sinks, n_tokens, least);
}

void run_prove(const ProveCommand& command) {
  if (command.model == kDefaultModel) pull_default_model(kDefaultModel);
  const Checkpoint checkpoint =
      open_checkpoint(command.model, context_settings(command.engine.sight));
  const auto text = std::make_shared<const ModelText>(load_model_text(checkpoint));
  ProofOptions options;
  options.engine = engine_options(command.engine);
  options.prompt_ids = require(text->tokenizer, checkpoint).encode(command.prompt);
  options.max_tokens = command.max_tokens;
  if (options.prompt_ids.size() < 64)
    fail(ErrorCode::invalid_input, "--prompt: has {} tokens, at least 64 are needed",
         options.prompt_ids.size());
  check_window(command.engine.sight, options);
  int n_equal = 0, n_steps = 0;
  nlohmann::ordered_json steps = nlohmann::ordered_json::array();
  prove(checkpoint, text, options, [&](const ProofStep& step) {
    if (!step.applies) {
      steps.push_back({{"condition", step.condition}, {"applies", false}, {"what", step.what}});
      if (!command.as_json)
        write_stdout(
            fmt::format("{:<22} {:<16}  not applicable: {}\n", step.condition, "", step.what));
      return;
    }
    ++n_steps;
    n_equal += step.equal && step.met ? 1 : 0;
    const std::string hash = fmt::format("{:016x}", step.hash);
    const char* verdict = !step.met ? "did not happen" : step.equal ? "equal" : "DIFFERENT";
    steps.push_back({{"condition", step.condition},
                     {"applies", true},
                     {"hash", hash},
                     {"equal", step.equal},
                     {"met", step.met},
                     {"what", step.what}});
    if (!command.as_json)
      write_stdout(fmt::format("{:<22} {}  {:<9}  {}\n", step.condition, hash,
                               n_steps == 1 ? "" : verdict, step.what));
  });
  const bool proven = n_equal == n_steps;
  if (command.as_json) {
    write_stdout(nlohmann::ordered_json{{"proven", proven}, {"steps", steps}}.dump() + "\n");
  } else if (proven) {
    write_stdout(fmt::format("proven: {} answers of {} tokens are the same bits {} times\n", 3,
                             command.max_tokens, n_steps));
  }
  if (!proven)
    fail(ErrorCode::invalid_input, "not proven: {} of {} conditions gave the same answers", n_equal,
         n_steps);
}

}  // namespace

void add_prove_command(Command app) {
  Command command =
      app.add_subcommand("prove", "Prove that a text does not depend on what runs beside it");
  auto options = std::make_shared<ProveCommand>();
  add_model_option(command, options->model, kDefaultModel);
  command.add_option("-p,--prompt", options->prompt, "The prompt, at least 64 tokens long")
      .type_name("TEXT");
  command.add_option("-n,--max-tokens", options->max_tokens, "Tokens of each answer")
      .in_range(32, 4096)
      .type_name("N")
      .show_default();
  command.add_flag("--json", options->as_json, "One JSON object");
  add_device_options(command, options->engine);
  command
      .add_option("-t,--threads", options->engine.n_threads,
                  "Worker threads (default: physical cores)")
      .in_range(1, 256)
      .type_name("N");
  add_context_options(command, options->engine.sight);
  add_kv_type_option(command, options->engine.kv_type);
  add_draft_model_option(command, options->engine);
  add_examples(
      command,
      "  tinyllm prove -m smollm2-135m\n\n"
      "Three answers (greedy, drawn, drawn with a penalty) are computed alone, with other\n"
      "threads, in chunks, in a crowd, from the prefix cache, after preemption, with\n"
      "drafts and from the page store. The hash is of tokens and log-probabilities. Exit code 1: "
      "one differs.");
  command.callback([options] { run_prove(*options); });
}

}  // namespace tinyllm
