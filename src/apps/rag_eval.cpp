#include "apps/rag_eval.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <vector>

#include "apps/folder_index.h"
#include "apps/reranker.h"
#include "apps/standard_output.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_field.h"
#include "base/json_parse.h"
#include "retrieval/measures.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

struct Question {
  std::string text;
  std::set<std::int64_t> right;  // ids of chunks
};

std::string one_spaced(std::string_view text) {
  std::string out;
  std::istringstream words{std::string(text)};
  for (std::string word; words >> word;) out += (out.empty() ? "" : " ") + word;
  return out;
}

std::vector<Question> read_questions(const std::string& file, const DocumentIndex& index) {
  std::vector<StoredChunk> chunks = index.chunks();
  for (StoredChunk& chunk : chunks) chunk.chunk.text = one_spaced(chunk.chunk.text);
  std::vector<Question> questions;
  std::istringstream lines(read_text_file(file));
  int n = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::string source = fmt::format("{}:{}", file, ++n);
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    const nlohmann::json parsed = parse_json(line, source);
    const JsonField root(parsed, source);
    const std::string path = root.member("path").string();
    const std::string passage = one_spaced(root.member("passage").string());
    Question question{.text = root.member("question").string(), .right = {}};
    for (const StoredChunk& chunk : chunks) {
      if (chunk.path == path && chunk.chunk.text.find(passage) != std::string::npos)
        question.right.insert(chunk.id);
    }
    if (question.right.empty())
      fail(ErrorCode::invalid_input, "{}: no chunk of {} holds the passage '{}'", source, path,
           passage);
    questions.push_back(std::move(question));
  }
  if (questions.empty()) fail(ErrorCode::invalid_input, "{}: holds no question", file);
  return questions;
}

struct Measured {
  SearchMeasures measures;
  double milliseconds = 0;  // a question
};

Measured measure(const std::vector<Question>& questions,
                 function_ref<std::vector<Hit>(const std::string& question)> search) {
  Measured measured;
  const Stopwatch clock;
  for (const Question& question : questions) {
    std::vector<std::int64_t> ids;
    for (const Hit& hit : search(question.text)) ids.push_back(hit.chunk.id);
    measured.measures.add(ids, question.right);
  }
  measured.milliseconds = clock.seconds() * 1e3 / static_cast<double>(questions.size());
  return measured;
}

}  // namespace

void evaluate_search(const FolderIndex& folder, const std::string& questions_file,
                     const std::string& reranker_name, bool as_json) {
  const std::vector<Question> questions = read_questions(questions_file, folder.index());
  Searcher searcher(folder.index(), folder.embedder(), 0);
  json report = {{"questions", questions.size()}, {"chunks", folder.index().n_chunks()}};
  std::string table =
      fmt::format("{} questions, {} chunks\n\n{:<8}  {:>8}  {:>8}  {:>9}  {:>6}  {:>7}  {:>11}\n",
                  questions.size(), folder.index().n_chunks(), "search by", "recall@1", "recall@5",
                  "recall@10", "MRR@10", "nDCG@10", "ms/question");
  const auto add = [&](const char* name,
                       function_ref<std::vector<Hit>(const std::string& question)> search) {
    const auto [found, milliseconds] = measure(questions, search);
    report[name] = {{"recall_at_1", found.recall_at_1},   {"recall_at_5", found.recall_at_5},
                    {"recall_at_10", found.recall_at_10}, {"mrr_at_10", found.mrr_at_10},
                    {"ndcg_at_10", found.ndcg_at_10},     {"ms_a_question", milliseconds}};
    table += fmt::format("{:<9}  {:>8.3f}  {:>8.3f}  {:>9.3f}  {:>6.3f}  {:>7.3f}  {:>11.2f}\n",
                         name, found.recall_at_1, found.recall_at_5, found.recall_at_10,
                         found.mrr_at_10, found.ndcg_at_10, milliseconds);
  };
  const std::pair<const char*, SearchBy> ways[] = {
      {"words", SearchBy::words}, {"meaning", SearchBy::meaning}, {"both", SearchBy::both}};
  for (const auto& [name, by] : ways) {
    const SearchOptions options{.n = 10, .by = by, .filter = {}};
    add(name, [&](const std::string& question) { return searcher.search(question, options); });
  }
  if (!reranker_name.empty()) {
    Reranker reranker(reranker_name, 0);
    const SearchOptions options{.n = 10, .by = SearchBy::both, .filter = {}};
    add("reranked",
        [&](const std::string& question) { return reranker.search(searcher, question, options); });
  }
  write_stdout(as_json ? report.dump() + "\n" : table);
}

}  // namespace tinyllm
