// tinyllm batch: answers a file of requests in OpenAI's batch format, many at a time.

#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "apps/batch_results.h"
#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/loading_bar.h"
#include "apps/options.h"
#include "apps/progress_bar.h"
#include "apps/standard_output.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_parse.h"
#include "base/log.h"
#include "client/open_model.h"
#include "openai/api_answer.h"
#include "openai/api_error.h"
#include "openai/field_table.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

struct BatchCommand {
  std::string model, input, output;
  EngineFlags flags;
};

struct BatchLine {
  std::size_t number = 0;  // in the file, from 1
  std::string custom_id;   // "" when the line has none that can be used
  ApiRequest request;

  std::string id() const { return fmt::format("batch_req_{}", number); }
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

json result_line(const BatchLine& line, json response, json error) {
  return {{"id", line.id()},
          {"custom_id", line.custom_id.empty() ? json(nullptr) : json(line.custom_id)},
          {"response", std::move(response)},
          {"error", std::move(error)}};
}

// The server's answer to such a request, and the line and field for whoever looks for it.
json error_line(const BatchLine& line, const std::exception& fault) {
  const ErrorAnswer answer = describe_error(fault);
  json body = json::parse(answer.body);
  const json& error = body["error"];
  json shown = {{"code", error["code"].is_null() ? error["type"] : error["code"]},
                {"message", fmt::format("line {}: {}", line.number, fault.what())},
                {"line", line.number},
                {"param", error["param"]}};
  json response = {{"status_code", answer.status}, {"request_id", line.id()}, {"body", body}};
  return result_line(line, std::move(response), std::move(shown));
}

const json& text_member(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) refuse_field(name, "missing", "a string");
  if (!found->is_string()) refuse_field(name, found->type_name(), "a string");
  return *found;
}

// custom_id is set as soon as it is known, so that an error further on carries it.
void parse_line(std::string_view text, BatchLine& line) {
  const json object = parse_ordered_json(text, "the line");
  if (!object.is_object()) refuse_field("the line", object.type_name(), "an object");
  const auto custom_id = text_member(object, "custom_id").get<std::string>();
  if (custom_id.empty()) refuse_field("custom_id", "empty", "a string of at least one character");
  line.custom_id = custom_id;
  const auto url = text_member(object, "url").get<std::string>();
  if (object.contains("method") && object["method"] != "POST")
    refuse_field("method", object["method"].dump(), "\"POST\"");
  if (url != "/v1/chat/completions" && url != "/v1/completions")
    refuse_field("url", json(url).dump(), "\"/v1/chat/completions\" or \"/v1/completions\"");
  const auto body = object.find("body");
  if (body == object.end() || !body->is_object())
    refuse_field("body", body == object.end() ? "missing" : body->type_name(), "an object");
  const ApiKind kind = url == "/v1/completions" ? ApiKind::completion : ApiKind::chat;
  line.request =
      parse_api_request(kind, body->dump(-1, ' ', false, json::error_handler_t::replace));
  if (line.request.stream) refuse_field("stream", "true", "false: a batch answers whole");
}

class BatchRun {
 public:
  BatchRun(const ServedModel& model, std::string_view input, BatchResults& results)
      : model_(&model), results_(&results), input_(input) {
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

  std::size_t n_failed() const { return n_failed_; }
  std::size_t n_skipped() const { return n_skipped_; }

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
      parse_line(text, next.line);
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
      if (!skip(next.line)) finish(error_line(next.line, error), /*failed=*/true);
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
    if (!results_->done(line.custom_id, line.id())) return false;
    ++n_skipped_;
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
      finish(result_line(running.line, response, nullptr), /*failed=*/false);
    } catch (const Error& error) {
      finish(error_line(running.line, error), /*failed=*/true);
    }
    n_texts_ -= running.answer->n_texts();
    running_.erase(found);
  }

  void finish(const json& result, bool failed) {
    results_->write(to_text(result));
    n_failed_ += failed ? 1 : 0;
    ++n_done_;
  }

  const ServedModel* model_;
  BatchResults* results_;
  std::string_view input_;
  std::size_t at_ = 0;      // begin of the next line
  std::size_t n_read_ = 0;  // lines
  std::size_t n_failed_ = 0, n_skipped_ = 0;
  std::int64_t n_done_ = 0;
  int n_texts_ = 0;  // that the engine has
  std::unordered_map<std::string, std::size_t> lines_of_ids_;
  // shared: a cancelled stream may outlive the run
  std::shared_ptr<LinesWithNews> news_ = std::make_shared<LinesWithNews>();
  std::map<std::size_t, Running> running_;
  std::unique_ptr<ProgressBar> progress_;
};

void run_batch(const BatchCommand& command) {
  const std::string input = command.input == "-" ? read_stdin() : read_text_file(command.input);
  BatchResults results(command.output);
  const std::unique_ptr<Engine> engine =
      open_model(command.model, engine_options(command.flags), LoadingBar());
  ServedModel model;
  model.engine = engine.get();
  model.names = {command.model};
  BatchRun run(model, input, results);
  run.run();
  if (run.n_skipped() > 0)
    log(LogLevel::info, "{} lines had their result in {} already", run.n_skipped(), command.output);
  if (run.n_failed() > 0) {
    log(LogLevel::warning, "{} of the requests failed; \"error\" of their results says why",
        run.n_failed());
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
  add_batched_engine_options(command, options->flags);
  add_examples(
      command,
      "  tinyllm batch requests.jsonl -m smollm2-135m -o results.jsonl\n"
      "  tinyllm batch - -m smollm2-135m < requests.jsonl > results.jsonl\n\n"
      "A line is OpenAI's batch input:\n"
      "  {\"custom_id\": \"a\", \"method\": \"POST\", \"url\": \"/v1/chat/completions\",\n"
      "   \"body\": {\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}}\n"
      "or with \"url\": \"/v1/completions\". Results come as they finish, in any order. A\n"
      "run that was stopped goes on where it was, if it is started again with the same -o.");
  command.callback([options] { run_batch(*options); });
}

}  // namespace tinyllm
