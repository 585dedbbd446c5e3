// tinyllm batch: answers a file of requests in OpenAI's batch format, many at a time.

#include <fmt/format.h>

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "apps/batch_line.h"
#include "apps/batch_results.h"
#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/loading_bar.h"
#include "apps/options.h"
#include "apps/progress_bar.h"
#include "apps/standard_output.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "client/grammar_cache.h"
#include "client/open_model.h"
#include "openai/api_answer.h"
#include "openai/api_error.h"
#include "openai/tool_prompt.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

struct BatchCommand {
  std::string model, input, output;
  bool retry = false;
  EngineFlags flags;
};

// Lines whose streams have news. The engine thread pushes, the main thread pops.
struct LinesWithNews {
  std::mutex mutex;  // guards the rest
  std::condition_variable changed;
  std::deque<std::size_t> lines;

  void push(std::size_t line) {
    {
      const std::scoped_lock lock(mutex);
      lines.push_back(line);
    }
    changed.notify_one();
  }
  std::size_t pop() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return !lines.empty(); });
    const std::size_t line = lines.front();
    lines.pop_front();
    return line;
  }
};

// Lines of the input by what became of them.
struct BatchCounts {
  std::size_t n_answered = 0, n_failed = 0;                // in this run
  std::size_t n_answered_before = 0, n_failed_before = 0;  // skipped: the results had them
  std::int64_t n_tokens = 0;                               // of this run's answers

  bool all_failed() const {
    return n_answered + n_answered_before == 0 && n_failed + n_failed_before > 0;
  }
};

class BatchRun {
 public:
  // `retry`: a line whose result is a failure is run again.
  BatchRun(const ServedModel& model, std::string_view input, BatchResults& results, bool retry)
      : model_(&model), results_(&results), input_(input), retry_(retry) {
    const auto n_lines = std::ranges::count(input, '\n') + (input.ends_with('\n') ? 0 : 1);
    progress_ = std::make_unique<ProgressBar>("batch", n_lines);
  }

  void run() {
    const int n_window = 2 * model_->engine->limits().max_num_seqs;  // the engine never waits
    for (;;) {
      while (n_texts_ < n_window && start_next()) continue;
      progress_->update(n_done_);
      if (running_.empty()) return;
      take(news_->pop());
    }
  }

  const BatchCounts& counts() const { return counts_; }

 private:
  struct Running {
    BatchLine line;
    std::unique_ptr<ApiAnswer> answer;
  };

  // False at the end of the input.
  bool start_next() {
    if (at_ >= input_.size()) return false;
    const std::size_t end = std::min(input_.find('\n', at_), input_.size());
    std::string_view text = input_.substr(at_, end - at_);
    at_ = end + 1;
    Running next;
    next.line.number = ++n_read_;
    if (text.find_first_not_of(" \t\r") == text.npos) {
      ++n_done_;
      return true;
    }
    try {
      parse_batch_line(text, next.line);
      check_unique(next.line);
      if (skip(next.line)) return true;
      const std::size_t number = next.line.number;
      next.answer = std::make_unique<ApiAnswer>(std::move(next.line.request), *model_);
      next.answer->submit();
      for (const auto& run : next.answer->runs())
        run.stream->set_listener([news = news_, number] { news->push(number); });
      n_texts_ += next.answer->n_texts();
      running_.emplace(number, std::move(next));
    } catch (const Error& error) {
      if (!skip(next.line)) finish_failed(next.line, error);
    }
    return true;
  }

  // A second line of the same name has no result of its own name.
  void check_unique(BatchLine& line) {
    const auto [first, is_new] = lines_of_ids_.emplace(line.custom_id, line.number);
    if (is_new) return;
    const std::string found = json(std::exchange(line.custom_id, "")).dump();
    refuse_field("custom_id", fmt::format("{} as on line {}", found, first->second),
                 "different on every line");
  }

  bool skip(const BatchLine& line) {
    const BatchResults::Found found = results_->found(line.custom_id, line.id());
    if (found == BatchResults::Found::nothing) return false;
    const bool failed = found == BatchResults::Found::failure;
    if (failed && retry_) return false;
    ++(failed ? counts_.n_failed_before : counts_.n_answered_before);
    ++n_done_;
    return true;
  }

  void take(std::size_t number) {
    const auto found = running_.find(number);
    if (found == running_.end()) return;  // news of a line that has ended
    Running& running = found->second;
    try {
      if (!running.answer->gather_news()) return;
      const json response = {{"status_code", 200},
                             {"request_id", running.answer->head().id},
                             {"body", running.answer->to_json()}};
      finish(running.line, result_line(running.line, response, nullptr));
      ++counts_.n_answered;
      counts_.n_tokens += running.answer->usage().n_generated;
    } catch (const Error& error) {
      finish_failed(running.line, error);
    }
    n_texts_ -= running.answer->n_texts();
    running_.erase(found);
  }

  void finish(const BatchLine& line, const json& result) {
    results_->write(to_text(result), line.custom_id, line.id());
    ++n_done_;
  }

  void finish_failed(const BatchLine& line, const Error& error) {
    finish(line, error_line(line, error));
    ++counts_.n_failed;
  }

  const ServedModel* model_;
  BatchResults* results_;
  std::string_view input_;
  bool retry_;
  std::size_t at_ = 0;      // begin of the next line
  std::size_t n_read_ = 0;  // lines
  BatchCounts counts_;
  std::int64_t n_done_ = 0;
  int n_texts_ = 0;  // that the engine has
  std::unordered_map<std::string, std::size_t> lines_of_ids_;
  // shared: a cancelled stream may outlive the run
  std::shared_ptr<LinesWithNews> news_ = std::make_shared<LinesWithNews>();
  std::map<std::size_t, Running> running_;
  std::unique_ptr<ProgressBar> progress_;
};

// "batch: 8 done, 1 failed, 3 skipped (done before); results in out.jsonl; 512 tokens in 4.0 s, 128.0
// tok/s"
std::string summary_of(const BatchCounts& counts, const std::string& output, double seconds) {
  std::string text = fmt::format("batch: {} done, {} failed", counts.n_answered, counts.n_failed);
  if (counts.n_answered_before + counts.n_failed_before > 0) {
    text += fmt::format(", {} skipped (", counts.n_answered_before + counts.n_failed_before);
    text += counts.n_failed_before == 0
                ? "done before)"
                : fmt::format("{} done before, {} failed before: --retry runs these again)",
                              counts.n_answered_before, counts.n_failed_before);
  }
  text += output.empty() ? "; results on stdout" : "; results in " + output;
  if (counts.n_tokens > 0) {
    text += fmt::format("; {} tokens in {:.1f} s, {:.1f} tok/s", counts.n_tokens, seconds,
                        static_cast<double>(counts.n_tokens) / seconds);
  }
  return text;
}

void run_batch(const BatchCommand& command) {
  const std::string input = command.input == "-" ? read_stdin() : read_text_file(command.input);
  BatchResults results(command.output);
  const std::unique_ptr<Engine> engine =
      open_model(command.model, engine_options(command.flags), LoadingBar());
  ServedModel model;
  model.engine = engine.get();
  if (engine->text().tokenizer) model.grammars = std::make_shared<GrammarCache>(engine->text());
  model.names = {command.model};
  choose_formats(model);
  BatchCounts counts;
  const Stopwatch clock;
  {
    BatchRun run(model, input, results, command.retry);
    run.run();  // its bar is gone before the summary is printed
    counts = run.counts();
  }
  results.drop_replaced();
  const std::string summary = summary_of(counts, command.output, clock.seconds());
  std::fprintf(stderr, "%s\n", summary.c_str());
  if (counts.all_failed()) {
    fail(ErrorCode::invalid_input, "every request failed; \"error\" of their results says why");
  }
}

}  // namespace

void add_batch_command(Command app) {
  Command command = app.add_subcommand("batch", "Answer a file of requests, many at a time");
  auto options = std::make_shared<BatchCommand>();
  command.add_option("FILE", options->input, "Requests, one JSON object a line; '-': stdin")
      .required()
      .type_name("");
  add_model_option(command, options->model);
  command
      .add_option("-o,--output", options->output,
                  "Results go here instead of stdout; what it holds already is not done again")
      .type_name("OUT");
  command.add_flag("--retry", options->retry,
                   "Run requests again whose result in OUT is a failure; the new result takes its "
                   "place");
  add_batched_engine_options(command, options->flags);
  add_kv_store_option(command, options->flags);
  add_examples(
      command,
      "  tinyllm batch requests.jsonl -m smollm2-135m -o results.jsonl\n"
      "  tinyllm batch - -m smollm2-135m < requests.jsonl > results.jsonl\n\n"
      "A line is OpenAI's batch input:\n"
      "  {\"custom_id\": \"a\", \"method\": \"POST\", \"url\": \"/v1/chat/completions\",\n"
      "   \"body\": {\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}}\n"
      "or with \"url\": \"/v1/completions\". Results come as they finish, in any order. A\n"
      "run that was stopped resumes when it is started again with the same -o. The exit\n"
      "code is 1 when every request failed, else 0.");
  command.callback([options] {
    if (options->retry && options->output.empty())
      fail(ErrorCode::usage, "--retry needs the results of an earlier run: give them with -o");
    run_batch(*options);
  });
}

}  // namespace tinyllm
