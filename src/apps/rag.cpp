// tinyllm rag: indexes of folders of documents, and search in them.

#include <fmt/core.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/folder_index.h"
#include "apps/options.h"
#include "apps/printable.h"
#include "apps/rag_eval.h"
#include "apps/reranker.h"
#include "apps/standard_output.h"
#include "apps/terminal.h"
#include "base/error.h"
#include "retrieval/answer_prompt.h"
#include "retrieval/query_words.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t kSnippetBytes = 240;

struct RagCommand {
  FolderIndexFlags folder;
  FilterFlags filter;
  std::string question, questions, by = "both", reranker;
  bool as_json = false;
};

SearchBy search_by(const std::string& word) {
  return word == "words" ? SearchBy::words : word == "meaning" ? SearchBy::meaning : SearchBy::both;
}

std::string with_marks(const Snippet& snippet) {
  std::string text;
  std::size_t at = 0;
  for (const TextRange& range : snippet.matched) {
    text += printable(snippet.text.substr(at, range.begin - at));
    text +=
        bold(printable(snippet.text.substr(range.begin, range.end - range.begin)), STDOUT_FILENO);
    at = range.end;
  }
  return text + printable(snippet.text.substr(at));
}

json to_json(const Hit& hit) {
  const Chunk& chunk = hit.chunk.chunk;
  json row = {{"path", hit.chunk.path},
              {"type", hit.chunk.kind},
              {"line", chunk.first_line},
              {"last_line", chunk.last_line},
              {"heading", chunk.heading},
              {"text", chunk.text},
              {"score", hit.score},
              {"rank_by_words", hit.rank_by_words},
              {"rank_by_meaning", hit.rank_by_meaning}};
  if (chunk.page > 0) row["page"] = chunk.page;
  return row;
}

void run_search(const RagCommand& command) {
  const FolderIndex folder(command.folder);
  Searcher searcher(folder.index(), folder.embedder(), command.folder.n_threads);
  SearchOptions options = search_options(command.filter);
  options.by = search_by(command.by);
  const std::vector<std::string> words = query_words(command.question);
  if (words.empty())
    fail(ErrorCode::usage, "the question holds no word: there is nothing to search for");
  const std::vector<Hit> hits = search_and_rerank(searcher, command.question, options,
                                                  command.reranker, command.folder.n_threads);
  for (const Hit& hit : hits) {
    if (command.as_json) {
      write_stdout(to_json(hit).dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
      continue;
    }
    const std::string head = printable(place_of(hit.chunk));
    const std::string heading = printable(hit.chunk.chunk.heading);
    const Snippet snippet = make_snippet(hit.chunk.chunk.text, words, kSnippetBytes);
    write_stdout(
        fmt::format("{}  {}\n    {}\n", bold(head, STDOUT_FILENO), heading, with_marks(snippet)));
  }
}

void list_documents(const std::string& name) {
  const std::filesystem::path file = index_file(name);
  if (!std::filesystem::exists(file))
    fail(ErrorCode::not_found, "{}: is not indexed; tinyllm rag add {} does it", name, name);
  for (const StoredDocument& document : DocumentIndex(file).documents()) {
    const std::string what = document.problem.empty() ? fmt::format("{} chunks", document.n_chunks)
                                                      : "no text: " + printable(document.problem);
    write_stdout(fmt::format("{}  {}  {}\n", printable(document.path), document.kind, what));
  }
}

void list_indexes() {
  for (const std::filesystem::path& file : index_files()) {
    try {
      const DocumentIndex index(file);
      const std::optional<IndexOrigin> origin = index.origin();
      write_stdout(fmt::format("{}  {} documents, {} chunks, {}\n",
                               printable(origin ? origin->folder : file.string()),
                               index.documents().size(), index.n_chunks(),
                               origin ? printable(origin->embedder) : "nothing indexed yet"));
    } catch (const Error& error) {
      write_stdout(printable(error.what()) + "\n");
    }
  }
}

void remove_folder(const std::string& name) {
  const std::filesystem::path file = index_file(name);
  if (!std::filesystem::exists(file)) fail(ErrorCode::not_found, "{}: is not indexed", name);
  remove_index(file);
}

void add_search_command(Command rag, const std::shared_ptr<RagCommand>& options) {
  Command search =
      rag.add_subcommand("search", "Passages of a folder's documents that fit a question");
  add_folder_options(search, options->folder);
  search.add_option("QUESTION", options->question, "Words or a question").type_name("").required();
  add_filter_options(search, options->filter, 5);
  search.add_option("--by", options->by, "Words (BM25), meaning (vectors) or both, fused by rank")
      .one_of({"both", "words", "meaning"})
      .show_default();
  add_rerank_option(search, options->reranker);
  search.add_flag("--json", options->as_json, "A line of JSON a passage, with its whole text");
  add_examples(search,
               "  tinyllm rag search docs 'when is a block given back?'\n"
               "  tinyllm rag search ~/papers 'rotary embeddings' --type pdf -k 10");
  search.callback([options] { run_search(*options); });
}

void add_eval_command(Command rag, const std::shared_ptr<RagCommand>& options) {
  Command eval = rag.add_subcommand("eval", "How often search finds the right passage");
  add_folder_options(eval, options->folder);
  eval.add_option("FILE", options->questions,
                  "Lines of JSON: {\"question\": ..., \"path\": ..., \"passage\": words of the "
                  "right chunk}")
      .type_name("")
      .required();
  add_rerank_option(eval, options->reranker);
  eval.add_flag("--json", options->as_json, "One JSON object instead of a table");
  add_examples(eval, "  tinyllm rag eval docs questions.jsonl");
  eval.callback([options] {
    const FolderIndex folder(options->folder);
    evaluate_search(folder, options->questions, options->reranker, options->as_json);
  });
}

}  // namespace

void add_rag_command(Command app) {
  Command rag = app.add_subcommand("rag", "Index folders of documents and search in them");
  auto options = std::make_shared<RagCommand>();
  Command add = rag.add_subcommand("add", "Index a folder, or bring its index up to date");
  add_folder_options(add, options->folder);
  add.callback([options] {
    options->folder.unreadable = Unreadable::try_again;
    write_stdout(FolderIndex(options->folder).summary() + "\n");
  });
  add_search_command(rag, options);
  Command list = rag.add_subcommand("ls", "The documents of an index; without FOLDER all indexes");
  list.add_option("FOLDER", options->folder.folder, "An indexed folder").type_name("");
  list.callback([options] {
    options->folder.folder.empty() ? list_indexes() : list_documents(options->folder.folder);
  });
  Command remove = rag.add_subcommand("rm", "Remove the index of a folder, not its documents");
  remove.add_option("FOLDER", options->folder.folder, "An indexed folder").type_name("").required();
  remove.callback([options] { remove_folder(options->folder.folder); });
  add_eval_command(rag, options);
  add_examples(rag,
               "  tinyllm rag add ~/notes\n"
               "  tinyllm rag search ~/notes 'what did we decide about backups?'\n\n"
               "An index lies in the cache (TINYLLM_HOME), never in the folder. 'tinyllm ask'\n"
               "answers from a folder in one command.");
  rag.callback([rag] {
    if (!rag.has_chosen_subcommand())
      fail(ErrorCode::usage, "rag wants one of add, search, ls, rm, eval");
  });
}

}  // namespace tinyllm
