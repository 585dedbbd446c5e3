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

// What of the options changes the numbers. Writer and reader are of one build: enums are numbers.
nlohmann::json to_json(const EngineOptions& options) {
  nlohmann::json json = {{"window", options.context.window},
                         {"sinks", options.context.sinks},
                         {"device", options.device.kind},
                         {"device_idx", options.device.idx},
                         {"deterministic", options.device.deterministic},
                         {"exact_float", options.device.exact_float},
                         {"kv_type", options.kv.type}};
  if (const auto& scaling = options.context.rope_scaling) {
    json["rope_scaling"] = {{"type", scaling->type},
                            {"factor", scaling->factor},
                            {"original_max_seq_len", scaling->original_max_seq_len}};
  }
  if (options.quantise) json["quantise"] = *options.quantise;
  return json;
}

EngineOptions to_options(const nlohmann::json& json) {
  EngineOptions options;
  options.context.window = json["window"];
  options.context.sinks = json["sinks"];
  if (json.contains("rope_scaling")) {
    const nlohmann::json& given = json["rope_scaling"];
    RopeScaling& scaling = options.context.rope_scaling.emplace();
    scaling.type = given["type"].get<RopeScaling::Type>();
    scaling.factor = given["factor"];
    scaling.original_max_seq_len = given["original_max_seq_len"];
  }
  options.device = {.kind = json["device"].get<DeviceKind>(),
                    .idx = json["device_idx"],
                    .deterministic = json["deterministic"],
                    .exact_float = json["exact_float"]};
  options.kv.type = json["kv_type"].get<KvType>();
  if (json.contains("quantise")) options.quantise = json["quantise"].get<DType>();
  return options;
}

class LoggingCompleter final : public Completer {
 public:
  LoggingCompleter(std::unique_ptr<Completer> completer, std::string model,
                   const CompleterOptions& options, std::filesystem::path file)
      : completer_(std::move(completer)),
        model_(std::move(model)),
        file_(std::move(file)),
        settings_(to_json(options.engine)),
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
                                 {"reference", reference_},
                                 {"engine", settings_}};
    std::ofstream(file_, std::ios::app) << line.dump() << "\n";
    return completion;
  }

 private:
  std::unique_ptr<Completer> completer_;
  std::string model_;
  std::filesystem::path file_;
  nlohmann::json settings_;
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
                       .reference = read["reference"],
                       .engine = to_options(read["engine"])});
  }
  return answers;
}

}  // namespace tinyllm
