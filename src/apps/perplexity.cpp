// tinyllm perplexity: how well a model predicts a text.

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/kv_divergence.h"
#include "apps/loading_bar.h"
#include "apps/options.h"
#include "apps/progress_bar.h"
#include "apps/standard_output.h"
#include "base/error.h"
#include "base/file.h"
#include "client/loaded_reference.h"
#include "client/open_model.h"
#include "client/read_stream.h"
#include "loader/text/text_sources.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kDefaultWindow = 512;

struct PerplexityCommand {
  std::string model;
  EngineFlags engine;
  std::string file;
  bool as_json = false, kv_divergence = false;
};

struct Score {
  std::int64_t n_tokens = 0;  // scored ones
  double nll = 0;             // sum of -ln p(token)

  double perplexity() const { return std::exp(nll / static_cast<double>(n_tokens)); }
};

// -ln softmax(logits)[token], with the largest logit taken out of the sum.
double negative_log_likelihood(std::span<const float> logits, TokenId token) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return largest + std::log(sum) - logits[token];
}

// Calls score(tokens) for every window of the text, in order.
void for_each_window(std::span<const TokenId> ids, std::int64_t window,
                     function_ref<void(std::span<const TokenId> tokens)> score) {
  const auto n_ids = std::ssize(ids);
  ProgressBar progress("perplexity", n_ids);
  // A window of one token has nothing to predict.
  for (std::int64_t begin = 0; begin + 1 < n_ids; begin += window) {
    const std::int64_t n = std::min(window, n_ids - begin);
    score(ids.subspan(begin, n));
    progress.update(begin + n);
  }
}

Score score_by_reference(const PerplexityCommand& command, const Checkpoint& checkpoint,
                         std::span<const TokenId> ids, std::int64_t window) {
  LoadedReference reference(checkpoint, command.engine.n_threads, window,
                            LoadingBar(ProgressUnit::bytes));
  Score score;
  for_each_window(ids, window, [&](std::span<const TokenId> tokens) {
    reference.model().rewind(0);
    const auto n = std::ssize(tokens);
    reference.model().forward_all(
        tokens, [&](std::int64_t position, std::span<const float> logits) {
          if (position + 1 == n) return;
          score.nll += negative_log_likelihood(logits, tokens[position + 1]);
          ++score.n_tokens;
        });
  });
  return score;
}

// The engine reports the log probability of every prompt token but the first.
Score score_by_engine(const PerplexityCommand& command, const Checkpoint& checkpoint,
                      std::span<const TokenId> ids, std::int64_t window) {
  EngineOptions options = engine_options(command.engine);
  options.limits.max_model_len =
      static_cast<std::int32_t>(window + 1);  // one token is drawn, and not used
  options.prefix_cache = false;
  const std::unique_ptr<Engine> engine =
      load_engine(checkpoint, std::make_shared<const ModelText>(), options, LoadingBar());
  Score score;
  for_each_window(ids, window, [&](std::span<const TokenId> tokens) {
    Request request;
    request.prompt_ids.assign(tokens.begin(), tokens.end());
    request.params.temperature = 0;
    request.params.max_tokens = 1;
    request.n_prompt_logprobs = 0;
    read_stream(*engine->submit(std::move(request)), [&](OutputPiece&& piece) {
      for (const TokenLogprobs& token : piece.prompt_logprobs) score.nll -= token.drawn.logprob;
      score.n_tokens += std::ssize(piece.prompt_logprobs);
    });
  });
  return score;
}

// Of --kv-divergence.
void tell_divergence(const PerplexityCommand& command, const Checkpoint& checkpoint,
                     std::span<const TokenId> ids, std::int64_t window) {
  constexpr std::int64_t kLeast = 32;
  if (command.engine.reference())
    fail(ErrorCode::usage, "--kv-divergence works with --engine batched only");
  if (std::ssize(ids) < kLeast || window < kLeast)
    fail(ErrorCode::invalid_input,
         "--kv-divergence: {} tokens in windows of {}, at least {} are "
         "needed",
         ids.size(), window, kLeast);
  const KvDivergence found = kv_divergence(checkpoint, engine_options(command.engine), ids, window);
  const auto n_places = static_cast<double>(found.kl.size());
  const double same = static_cast<double>(found.n_same_top) / n_places;
  if (command.as_json) {
    const nlohmann::ordered_json answer = {
        {"places", found.kl.size()},  {"kl_mean", found.mean()},   {"kl_median", found.share(0.5)},
        {"kl_99", found.share(0.99)}, {"kl_max", found.kl.back()}, {"same_top", same}};
    return write_stdout(answer.dump() + "\n");
  }
  write_stdout(fmt::format(
      "keys and values in {}, against f32, at {} places of {} tokens in windows of {}:\n"
      "KL divergence: mean {:.6f}, median {:.6f}, 99 % {:.6f}, largest {:.6f} nats; "
      "the same likeliest token: {:.2f} %\n",
      command.engine.kv_type, found.kl.size(), ids.size(), window, found.mean(), found.share(0.5),
      found.share(0.99), found.kl.back(), 100 * same));
}

void run_perplexity(const PerplexityCommand& command) {
  const std::string& speculate = command.engine.speculate;
  if (!command.engine.draft_model.empty() || speculate == "model" || speculate == "suffix")
    fail(ErrorCode::usage, "perplexity reads a text and guesses no token: {} does nothing here",
         command.engine.draft_model.empty() ? "--speculate " + speculate : "--draft-model");
  const std::string content = command.file == "-" ? read_stdin() : read_text_file(command.file);
  const Checkpoint checkpoint =
      open_checkpoint(command.model, context_settings(command.engine.sight));
  const std::optional<Tokenizer> tokenizer = load_tokenizer(checkpoint);
  EncodeOptions options;
  options.parse_special = false;  // a text about <|im_end|> is still a text
  const std::vector<TokenId> ids = require(tokenizer, checkpoint).encode(content, options);
  if (ids.size() < 2) {
    fail(ErrorCode::invalid_input, "{}: has {} tokens, at least 2 are needed", command.file,
         ids.size());
  }
  std::int64_t window = command.engine.context > 0 ? command.engine.context : kDefaultWindow;
  if (window < 2) fail(ErrorCode::usage, "--context: is {}, must be at least 2", window);
  window = std::min(window, std::ssize(ids));

  if (command.kv_divergence) return tell_divergence(command, checkpoint, ids, window);
  const Score score = command.engine.reference()
                          ? score_by_reference(command, checkpoint, ids, window)
                          : score_by_engine(command, checkpoint, ids, window);
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

void add_perplexity_command(Command app) {
  Command command = app.add_subcommand("perplexity", "How well a model predicts a text");
  auto options = std::make_shared<PerplexityCommand>();
  add_model_option(command, options->model);
  command.add_option("-f,--file", options->file, "The text; '-': stdin")
      .required()
      .type_name("FILE");
  command.add_flag("--json", options->as_json, "One JSON object: tokens, nll, perplexity");
  command.add_flag(
      "--kv-divergence", options->kv_divergence,
      "In its place: how far --kv-type moves the next token's probabilities from those "
      "with keys and values in f32, at every 32nd token");
  add_engine_options(command, options->engine);
  add_examples(command,
               "  tinyllm perplexity -m smollm2-135m -f book.txt\n\n"
               "The text is cut into windows of --context tokens (default 512), each read from\n"
               "scratch. The first token of a window is not scored. Lower is better.");
  command.callback([options] { run_perplexity(*options); });
}

}  // namespace tinyllm
