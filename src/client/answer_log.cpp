#include "client/answer_log.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "base/json_parse.h"
#include "loader/checkpoint.h"

namespace tinyllm {
namespace {

bool is_plainly_greedy(const SamplingParams& params) {
  return params.temperature == 0 && params.repetition_penalty == 1 &&
         params.presence_penalty == 0 && params.frequency_penalty == 0 &&
         params.logit_bias.empty() && params.min_tokens == 0;
}

class LoggingCompleter final : public Completer {
 public:
  LoggingCompleter(std::unique_ptr<Completer> completer, std::string model,
                   const CompleterOptions& options, std::filesystem::path file)
      : completer_(std::move(completer)),
        model_(std::move(model)),
        file_(std::move(file)),
        reference_(options.reference),
        constrained_(options.constraint != nullptr) {}

  std::int64_t context() const override { return completer_->context(); }
  std::string about() const override { return completer_->about(); }
  Engine* engine() override { return completer_->engine(); }

  Completion complete(const std::vector<TokenId>& prompt_ids, const SamplingParams& params,
                      bool wants_logits, const CompletionWatcher& watcher) override {
    Completion completion = completer_->complete(prompt_ids, params, wants_logits, watcher);
    const nlohmann::json line = {{"model", model_},
                                 {"prompt_ids", prompt_ids},
                                 {"token_ids", completion.token_ids},
                                 {"greedy", is_plainly_greedy(params) && !constrained_},
                                 {"reference", reference_}};
    std::ofstream(file_, std::ios::app) << line.dump() << "\n";
    return completion;
  }

 private:
  std::unique_ptr<Completer> completer_;
  std::string model_;
  std::filesystem::path file_;
  bool reference_, constrained_;
};

}  // namespace

std::unique_ptr<Completer> with_answer_log(std::unique_ptr<Completer> completer,
                                           const Checkpoint& checkpoint,
                                           const CompleterOptions& options,
                                           std::filesystem::path file) {
  return std::make_unique<LoggingCompleter>(std::move(completer), checkpoint.path().string(),
                                            options, std::move(file));
}

std::vector<LoggedAnswer> read_answer_log(const std::filesystem::path& file) {
  std::vector<LoggedAnswer> answers;
  if (!std::filesystem::exists(file)) return answers;
  std::istringstream lines(read_text_file(file));
  for (std::string line; std::getline(lines, line);) {
    const nlohmann::json read = parse_json(line, file.filename());
    answers.push_back({.model = read["model"],
                       .prompt_ids = read["prompt_ids"].get<std::vector<TokenId>>(),
                       .token_ids = read["token_ids"].get<std::vector<TokenId>>(),
                       .greedy = read["greedy"],
                       .reference = read["reference"]});
  }
  return answers;
}

}  // namespace tinyllm
