// tinyllm chat: talk with a model.

#include <memory>

#include "apps/chat_console.h"
#include "apps/chat_model.h"
#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/first_chat.h"
#include "apps/model_words.h"
#include "apps/options.h"
#include "apps/sampling_options.h"
#include "apps/standard_output.h"
#include "apps/tool_desk.h"
#include "apps/tool_options.h"
#include "base/error.h"
#include "base/log.h"
#include "model_store/model_store.h"

namespace tinyllm {
namespace {

struct ChatOptions {
  std::string model;
  std::vector<std::string> words;  // [MODEL] [TEXT]
  ChatModelOptions session;
  ToolOptions tools;
  std::string prompt;
  bool has_prompt = false;
  bool no_history = false;
};

// A model's name, then what to answer once: as `-m MODEL -p TEXT`.
void take_words(ChatOptions& options, bool has_model) {
  const std::vector<std::string> text =
      take_model_word(std::move(options.words), has_model, options.model);
  if (text.empty()) return;
  if (options.has_prompt || text.size() > 1) {
    fail(ErrorCode::usage, "'{}' is one word too many: give [MODEL] and one text, in quotes",
         text.back());
  }
  options.prompt = text.front();
  options.has_prompt = true;
}

void check_tools(const ChatOptions& options) {
  if (options.session.engine.reference())
    fail(ErrorCode::usage, "--engine reference calls no tools; leave one of them out");
  if (options.session.grammar.given())
    fail(ErrorCode::usage,
         "with a grammar every text is the answer and no tool can be called; "
         "leave one of them out");
}

void run_chat(const ChatOptions& options) {
  const std::string prompt = options.prompt == "-" ? read_stdin() : options.prompt;
  if (options.has_prompt && prompt.find_first_not_of(" \t\r\n") == std::string::npos)
    fail(ErrorCode::usage, "{} is empty: there is nothing to answer",
         options.prompt == "-" ? "stdin" : "--prompt");
  ToolDesk desk(options.tools);
  ChatModelOptions session = options.session;
  if (options.tools.wanted()) session.tools = &desk;
  if (options.model == kDefaultModel) pull_default_model(kDefaultModel);
  const auto open = [&](const std::string& name) {
    return std::make_unique<ChatModel>(name, session);
  };
  const std::filesystem::path history =
      options.no_history ? std::filesystem::path() : default_model_home() / "chat-history";
  std::unique_ptr<ChatModel> model = open(options.model);
  log(LogLevel::info, "{}; seed {}", model->about_engine(), model->session().params().seed);
  ChatConsole console(std::move(model),
                      {.open_model = open, .history_file = history, .tools = session.tools});
  if (options.has_prompt) {
    console.answer_once(prompt);
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
  command
      .add_option("WORDS", options->words,
                  "A model's name, a text to answer once, or both: chat [MODEL] [TEXT]")
      .type_name("");
  const Option model = add_model_option(command, options->model, kDefaultModel);
  Option prompt =
      command.add_option("-p,--prompt", options->prompt,
                         "Answer this and exit; only the answer is on stdout. '-': read stdin");
  prompt.type_name("TEXT");
  command
      .add_option("-s,--system", options->session.system,
                  "System prompt (default: the model's own)")
      .type_name("TEXT");
  command.add_flag("--no-shift", options->session.no_shift,
                   "Stop when the context is full instead of forgetting the oldest turns");
  command.add_flag("--no-history", options->no_history,
                   "Do not keep what you type for the arrow keys of later talks");
  add_engine_options(command, options->session.engine);
  add_kv_store_option(command, options->session.engine);
  add_profile_option(command, options->session.engine);
  add_sampling_options(command, options->session.sampling);
  add_grammar_options(command, options->session.grammar);
  add_tool_options(command, options->tools);
  add_examples(command,
               "  tinyllm chat\n"
               "  tinyllm chat \"Why is the sky blue?\"\n"
               "  tinyllm chat qwen2.5-coder-1.5b --system \"Answer in one line.\"\n"
               "  git diff | tinyllm chat -p - --system \"Summarise this change.\"\n"
               "  tinyllm chat qwen2.5-coder-1.5b --tools-folder notes --allow-tool read_file\n\n"
               "Without -p and with stdin from a pipe every line is one message. Sampling\n"
               "is as the model's authors recommend, else greedy (--temperature 0).");
  command.callback([options, prompt, model] {
    check_profile(options->session.engine);
    check_grammar(options->session.grammar, options->session.engine);
    if (options->tools.wanted()) check_tools(*options);
    options->has_prompt = prompt.given();
    take_words(*options, model.given());
    run_chat(*options);
  });
}

}  // namespace tinyllm
