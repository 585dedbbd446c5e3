// tinyllm perplexity: how well a model predicts a text.

#include <fmt/core.h>
#include <CLI/App.hpp>
#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "apps/command.h"
#include "apps/open_model.h"
#include "apps/options.h"
#include "apps/progress_bar.h"
#include "apps/standard_output.h"
#include "base/error.h"
#include "base/file.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kDefaultWindow = 512;

struct PerplexityCommand {
  ModelOptions model;
  std::string file;
  bool as_json = false;
};

struct Score {
  std::int64_t n_tokens = 0;  // scored ones
  double nll = 0;             // sum of -ln p(token)

  double perplexity() const { return std::exp(nll / static_cast<double>(n_tokens)); }
};

// -ln softmax(logits)[token], with the largest logit taken out of the sum.
double negative_log_likelihood(std::span<const float> logits, std::int32_t token) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return largest + std::log(sum) - logits[static_cast<std::size_t>(token)];
}

Score score_windows(ReferenceModel& model, std::span<const std::int32_t> ids, std::int64_t window) {
  Score score;
  const auto n_ids = static_cast<std::int64_t>(ids.size());
  ProgressBar progress("perplexity", n_ids);
  // A window of one token has nothing to predict.
  for (std::int64_t begin = 0; begin + 1 < n_ids; begin += window) {
    const std::int64_t n = std::min(window, n_ids - begin);
    const auto tokens = ids.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(n));
    model.rewind(0);
    model.forward_all(tokens, [&](std::int64_t position, std::span<const float> logits) {
      if (position + 1 == n) return;
      score.nll += negative_log_likelihood(logits, tokens[static_cast<std::size_t>(position + 1)]);
      ++score.n_tokens;
    });
    progress.update(begin + n);
  }
  return score;
}

void run_perplexity(const PerplexityCommand& command) {
  const std::string content = command.file == "-" ? read_stdin() : read_text_file(command.file);
  const Checkpoint checkpoint = open_checkpoint(command.model.model);
  const std::optional<Tokenizer> tokenizer = load_tokenizer(checkpoint);
  EncodeOptions options;
  options.parse_special = false;  // a text about <|im_end|> is still a text
  const std::vector<std::int32_t> ids = require(tokenizer, checkpoint).encode(content, options);
  if (ids.size() < 2) {
    fail(ErrorCode::invalid_input, "{}: has {} tokens, at least 2 are needed", command.file,
         ids.size());
  }
  std::int64_t window = command.model.context > 0 ? command.model.context : kDefaultWindow;
  if (window < 2) fail(ErrorCode::usage, "--context: is {}, must be at least 2", window);
  window = std::min(window, static_cast<std::int64_t>(ids.size()));

  RunningModel running(checkpoint, command.model.n_threads, window);
  const Score score = score_windows(running.model(), ids, window);
  if (!std::isfinite(score.nll)) {
    fail(ErrorCode::invalid_input, "{}: gives logits that are not finite; the file may be damaged",
         checkpoint.path().string());
  }
  if (command.as_json) {
    const nlohmann::ordered_json answer = {
        {"tokens", score.n_tokens}, {"nll", score.nll}, {"perplexity", score.perplexity()}};
    write_stdout(answer.dump() + "\n");
  } else {
    write_stdout(fmt::format("perplexity {:.4f} over {} tokens, in windows of {}\n",
                             score.perplexity(), score.n_tokens, window));
  }
}

}  // namespace

void add_perplexity_command(CLI::App& app) {
  CLI::App* command = app.add_subcommand("perplexity", "How well a model predicts a text");
  auto options = std::make_shared<PerplexityCommand>();
  add_model_option(*command, options->model);
  command->add_option("-f,--file", options->file, "The text; '-': stdin")
      ->required()
      ->type_name("FILE");
  command->add_flag("--json", options->as_json, "One JSON object: tokens, nll, perplexity");
  add_compute_options(*command, options->model);
  add_examples(*command,
               "  tinyllm perplexity -m smollm2-135m -f book.txt\n\n"
               "The text is cut into windows of --context tokens (default 512), each read from\n"
               "scratch. The first token of a window is not scored. Lower is better.");
  command->callback([options] { run_perplexity(*options); });
}

}  // namespace tinyllm
