// tinyllm ask: an answer from a folder of documents, with sources that were checked.

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "apps/chat_console.h"
#include "apps/chat_model.h"
#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/first_chat.h"
#include "apps/folder_index.h"
#include "apps/options.h"
#include "apps/printable.h"
#include "apps/reranker.h"
#include "apps/sampling_options.h"
#include "apps/standard_output.h"
#include "apps/terminal.h"
#include "base/error.h"
#include "base/log.h"
#include "retrieval/answer_prompt.h"
#include "retrieval/citations.h"
#include "retrieval/query_words.h"

namespace tinyllm {
namespace {

constexpr int kAnswerTokens = 512;
constexpr std::int64_t kTemplateTokens = 128;  // what a chat template writes around two messages

struct AskCommand {
  FolderIndexFlags folder;
  FilterFlags filter;
  std::string question, model, reranker;
  ChatModelOptions session;
  int source_tokens = 2000;
};

// From all chunks where they fit into the prompt together, else from those that fit the question.
AnswerPrompt prompt_of(const AskCommand& command, const FolderIndex& folder, const ChatModel& model,
                       std::int64_t budget) {
  const auto count = [&](std::string_view text) { return model.count_tokens(text); };
  const bool is_filtered = !command.filter.path.empty() || !command.filter.kind.empty();
  // A chunk has eight tokens at least, so more than that cannot fit.
  if (!is_filtered && folder.index().n_chunks() < budget / 8) {
    const std::vector<StoredChunk> all = folder.index().chunks();
    AnswerPrompt whole = make_answer_prompt(command.question, all, budget, count);
    if (whole.sources.size() == all.size()) return whole;
  }
  Searcher searcher(folder.index(), folder.embedder(), command.folder.n_threads);
  std::vector<StoredChunk> found;
  for (Hit& hit : search_and_rerank(searcher, command.question, search_options(command.filter),
                                    command.reranker, command.folder.n_threads))
    found.push_back(std::move(hit.chunk));
  if (found.empty()) return {};
  AnswerPrompt prompt = make_answer_prompt(command.question, found, budget, count);
  if (!prompt.sources.empty()) return prompt;
  fail(ErrorCode::context_overflow,
       "no source fits into {} tokens; a larger --context or --source-tokens, a smaller "
       "--max-tokens or a shorter question leaves more",
       std::max<std::int64_t>(budget, 0));
}

std::string source_line(const AnswerPrompt& prompt, int number) {
  const StoredChunk& source = prompt.sources[static_cast<std::size_t>(number) - 1];
  return fmt::format("[{}] {}  {}\n", number, printable(place_of(source)),
                     printable(source.chunk.heading));
}

// What stands under an answer: its sources, and whether they carry it.
void write_sources(const AnswerPrompt& prompt, const std::string& answer) {
  const CitationCheck check = check_citations(answer, prompt.sources);
  std::string text = "\n";
  std::vector<int> shown = check.cited;
  if (shown.empty()) {
    text += check.declines ? "These sources were read:\n"
                           : "Not founded: the answer names no source. These were read:\n";
    for (int n = 1; n <= std::ssize(prompt.sources); ++n) shown.push_back(n);
  } else {
    text += "Sources:\n";
  }
  for (const int number : shown) text += source_line(prompt, number);
  for (const int number : check.unknown)
    text += fmt::format("Not founded: [{}] is none of the {} sources.\n", number,
                        prompt.sources.size());
  for (const std::string& quote : check.missing_quotes)
    text += fmt::format("Not founded: \"{}\" stands in no source.\n", printable(quote));
  for (const std::string& quote : check.misplaced_quotes)
    text += fmt::format("Not founded: \"{}\" stands in another source than the one cited.\n",
                        printable(quote));
  write_stdout(text);
}

void run_ask(const AskCommand& command) {
  if (query_words(command.question).empty())
    fail(ErrorCode::usage, "the question holds no word: there is nothing to answer");
  const FolderIndex folder(command.folder);
  log(LogLevel::info, "{}", folder.summary());
  if (command.model == kDefaultModel) pull_default_model(kDefaultModel);
  ChatModelOptions session = command.session;
  session.system = answer_rules();
  const int n_answer = session.sampling.max_tokens.value_or(kAnswerTokens);
  session.sampling.max_tokens = n_answer;
  auto model = std::make_unique<ChatModel>(command.model, session);
  const std::int64_t room =
      model->context() - n_answer - kTemplateTokens - model->count_tokens(session.system);
  const std::int64_t budget = std::min<std::int64_t>(command.source_tokens, room);
  const AnswerPrompt prompt = prompt_of(command, folder, *model, budget);
  if (prompt.sources.empty()) {
    write_stdout(std::string(kNoAnswer) +
                 "\n\nNo passage of the documents that were asked fits the question.\n");
    return;
  }
  ChatConsole console(std::move(model), {.open_model = {}, .history_file = {}, .tools = nullptr});
  const ChatAnswer answer = console.answer_once(prompt.message);
  write_sources(prompt, answer.text);
}

}  // namespace

void add_ask_command(Command app) {
  Command command = app.add_subcommand("ask", "Answer a question from a folder of documents");
  auto options = std::make_shared<AskCommand>();
  add_folder_options(command, options->folder);
  command.add_option("QUESTION", options->question, "The question, in quotes")
      .type_name("")
      .required();
  add_model_option(command, options->model, kDefaultModel);
  add_filter_options(command, options->filter, 8);
  add_rerank_option(command, options->reranker);
  command
      .add_option("--source-tokens", options->source_tokens,
                  "Tokens of the prompt that sources may fill")
      .in_range(64, 1 << 20)
      .type_name("N")
      .show_default();
  add_engine_options(command, options->session.engine);
  add_kv_store_option(command, options->session.engine);
  add_sampling_options(command, options->session.sampling);
  add_examples(command,
               "  tinyllm ask docs \"How large is a block of the K/V cache?\"\n"
               "  tinyllm ask ~/papers \"What is YaRN?\" --type pdf -m qwen2.5-coder-1.5b\n\n"
               "Markdown, HTML, PDF, text and code are read. The index lies in the cache and is\n"
               "brought up to date first. Citations and quotations of the answer are checked.");
  command.callback([options] {
    options->folder.n_threads = options->session.engine.n_threads;
    run_ask(*options);
  });
}

}  // namespace tinyllm
