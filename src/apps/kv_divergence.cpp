#include "apps/kv_divergence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include "apps/loading_bar.h"
#include "apps/progress_bar.h"
#include "base/available_memory.h"
#include "base/error.h"
#include "base/function_ref.h"
#include "client/open_model.h"
#include "client/read_stream.h"
#include "engine/engine.h"
#include "text/model_text.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kStep = 32;  // a block: between two places the rest comes from the cache

using Logits = std::vector<float>;  // [vocab_size]

// Calls `take` with the logits behind every kStep-th token, in order.
void each_place(const Checkpoint& checkpoint, EngineOptions options, std::span<const TokenId> ids,
                std::int64_t window, function_ref<void(Logits logits)> take) {
  options.limits.max_model_len = static_cast<std::int32_t>(window + 1);
  options.prefix_cache = true;
  options.max_wanted_logits = 1;
  const std::unique_ptr<Engine> engine =
      load_engine(checkpoint, std::make_shared<const ModelText>(), options, LoadingBar());
  ProgressBar progress(name(options.kv.type), std::ssize(ids));
  for (std::int64_t begin = 0; begin < std::ssize(ids); begin += window) {
    const std::int64_t n = std::min(window, std::ssize(ids) - begin);
    for (std::int64_t end = kStep; end <= n; end += kStep) {
      Request request;
      request.prompt_ids.assign(ids.begin() + begin, ids.begin() + begin + end);
      request.params.temperature = 0;
      request.params.max_tokens = 1;
      request.want_logits = true;
      read_stream(*engine->submit(std::move(request)), [&](OutputPiece&& piece) {
        if (!piece.prompt_logits.empty()) take(std::move(piece.prompt_logits));
      });
      progress.update(begin + end);
    }
  }
}

// ln of the sum of all exp(logit)
double log_sum(std::span<const float> logits) {
  const double largest = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return largest + std::log(sum);
}

std::int64_t count_places(std::int64_t n_tokens, std::int64_t window) {
  return n_tokens / window * (window / kStep) + n_tokens % window / kStep;
}

}  // namespace

double kl_divergence(std::span<const float> p, std::span<const float> q) {
  const double p_sum = log_sum(p), q_sum = log_sum(q);
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i)
    sum += std::exp(p[i] - p_sum) * ((p[i] - p_sum) - (q[i] - q_sum));
  if (!std::isfinite(sum)) return std::numeric_limits<double>::infinity();
  return std::max(0.0, sum);  // rounding may leave a little less
}

void check_divergence_memory(std::int64_t n_places, std::int64_t vocab_size,
                             std::int64_t free_bytes) {
  const std::int64_t wanted = n_places * vocab_size * 4;
  if (wanted <= free_bytes) return;
  fail(ErrorCode::out_of_memory,
       "--kv-divergence: the logits of {} places need {:.1f} GB of memory, {:.1f} GB are free "
       "beside "
       "the model; give a shorter text",
       n_places, static_cast<double>(wanted) / 1e9,
       static_cast<double>(std::max<std::int64_t>(0, free_bytes)) / 1e9);
}

double KvDivergence::mean() const {
  return std::accumulate(kl.begin(), kl.end(), 0.0) / static_cast<double>(kl.size());
}

double KvDivergence::share(double part) const {
  return kl[static_cast<std::size_t>(part * static_cast<double>(kl.size() - 1))];
}

KvDivergence kv_divergence(const Checkpoint& checkpoint, const EngineOptions& options,
                           std::span<const TokenId> ids, std::int64_t window) {
  EngineOptions exact = options;
  exact.kv.type = KvType::f32;
  check_divergence_memory(count_places(std::ssize(ids), window), checkpoint.config().vocab_size,
                          available_memory_bytes() - checkpoint.file_bytes());
  std::vector<Logits> want;
  each_place(checkpoint, exact, ids, window,
             [&](Logits logits) { want.push_back(std::move(logits)); });
  KvDivergence divergence;
  each_place(checkpoint, options, ids, window, [&](const Logits& logits) {
    const Logits& p = want[divergence.kl.size()];
    divergence.kl.push_back(kl_divergence(p, logits));
    divergence.n_same_top += std::ranges::max_element(p) - p.begin() ==
                             std::ranges::max_element(logits) - logits.begin();
  });
  std::ranges::sort(divergence.kl);
  if (!divergence.kl.empty() && !std::isfinite(divergence.kl.back()))
    fail(ErrorCode::invalid_input,
         "{}: with keys and values in {} the next token's probabilities are no numbers at some "
         "places; try another --kv-type",
         checkpoint.path().string(), name(options.kv.type));
  return divergence;
}

}  // namespace tinyllm
