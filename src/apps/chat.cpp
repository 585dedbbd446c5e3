// tinyllm chat: talk with a model.

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "apps/chat_console.h"
#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/first_chat.h"
#include "apps/loading_bar.h"
#include "apps/options.h"
#include "apps/profile_table.h"
#include "apps/sampling_options.h"
#include "apps/standard_output.h"
#include "base/error.h"
#include "client/chat_session.h"
#include "client/completer.h"
#include "client/open_model.h"
#include "loader/text/text_sources.h"
#include "model_store/model_store.h"

namespace tinyllm {
namespace {

constexpr const char* kDefaultModel = "smollm2-135m";
constexpr std::int64_t kDefaultContext = 4096;

struct ChatOptions {
  std::string model;
  EngineFlags engine;
  SamplingOptions sampling;
  std::string prompt;
  bool has_prompt = false;
  std::string system;
  bool no_shift = false, no_history = false;
};

std::string describe(const SamplingParams& params) {
  if (params.temperature == 0) return "greedy";
  std::string text = fmt::format("temperature {:g}", params.temperature);
  if (params.top_k > 0) text += fmt::format(", top_k {}", params.top_k);
  if (params.top_p < 1) text += fmt::format(", top_p {:g}", params.top_p);
  if (params.min_p > 0) text += fmt::format(", min_p {:g}", params.min_p);
  if (params.repetition_penalty != 1) {
    text += fmt::format(", repetition_penalty {:g}", params.repetition_penalty);
  }
  return text;
}

void run_chat(const ChatOptions& options) {
  if (options.model == kDefaultModel) pull_default_model(kDefaultModel);
  const Checkpoint checkpoint = open_checkpoint(options.model);
  const auto text = std::make_shared<const ModelText>(load_text(checkpoint));
  const Tokenizer& tokenizer = require(text->tokenizer, checkpoint);
  const ChatTemplate& chat_template = require(text->chat_template, checkpoint);
  const SamplingParams params = chat_sampling(options.sampling, text->defaults);
  validate(params, checkpoint.config().vocab_size);
  const std::int64_t context = options.engine.context > 0
                                   ? options.engine.context
                                   : std::min(kDefaultContext, checkpoint.config().max_seq_len);

  const CompleterOptions running = completer_options(options.engine, context);
  const ProfileReport report(running.engine.profile);
  const std::unique_ptr<Completer> completer =
      make_completer(checkpoint, text, running,
                     LoadingBar(running.reference ? ProgressUnit::bytes : ProgressUnit::count));
  ChatSession session(tokenizer, chat_template, *completer, params, !options.no_shift);
  if (!options.system.empty()) session.set_system(options.system);
  ChatConsole console(session,
                      {.model = checkpoint.path().filename().string(),
                       .sampling = describe(params),
                       .seed = params.seed,
                       .about_engine = completer->about(),
                       .context = completer->context(),
                       .history_file = options.no_history ? std::filesystem::path()
                                                          : default_model_home() / "chat-history"});
  if (options.has_prompt) {
    console.answer_once(options.prompt == "-" ? read_stdin() : options.prompt);
    return;
  }
  if (!console.talk()) fail(ErrorCode::context_overflow, "the last message was not answered");
  show_next_steps_once();
}

}  // namespace

void add_chat_command(Command app) {
  Command command = app.add_subcommand("chat", "Talk with a model");
  command.alias("run");
  auto options = std::make_shared<ChatOptions>();
  add_model_option(command, options->model, kDefaultModel);
  Option prompt =
      command.add_option("-p,--prompt", options->prompt,
                         "Answer this and exit; only the answer is on stdout. '-': read stdin");
  prompt.type_name("TEXT");
  command.add_option("-s,--system", options->system, "System prompt (default: the model's own)")
      .type_name("TEXT");
  command.add_flag("--no-shift", options->no_shift,
                   "Stop when the context is full instead of forgetting the oldest turns");
  command.add_flag("--no-history", options->no_history,
                   "Do not keep what you type for the arrow keys of later talks");
  add_engine_options(command, options->engine);
  add_profile_option(command, options->engine);
  add_sampling_options(command, options->sampling);
  add_examples(command,
               "  tinyllm chat\n"
               "  tinyllm chat -p \"Why is the sky blue?\"\n"
               "  tinyllm chat -m qwen2.5-coder-1.5b --system \"Answer in one line.\"\n"
               "  git diff | tinyllm chat -p - --system \"Summarise this change.\"\n\n"
               "Without -p and with stdin from a pipe every line is one message. Sampling\n"
               "is as the model's authors recommend, else greedy (--temperature 0).");
  command.callback([options, prompt] {
    check_profile(options->engine);
    options->has_prompt = prompt.given();
    run_chat(*options);
  });
}

}  // namespace tinyllm
