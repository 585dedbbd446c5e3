#include "learn/model_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/thread_pool.h"
#include "client/read_stream.h"
#include "engine/engine_options.h"
#include "engine/open_engine.h"
#include "loader/random_checkpoint.h"
#include "reference/model.h"
#include "text/model_text.h"

namespace tinyllm::learn {
namespace {

constexpr double kTolerance = 1e-4;  // of the largest logit, see the header

ModelConfig small_qwen2(RopePairing pairing) {
  ModelConfig config = small_config("qwen2");
  config.rope_pairing = pairing;
  config.vocab_size = 96;
  config.max_seq_len = 64;
  return config;
}

std::vector<TokenId> prompt() { return {11, 3, 58, 7, 90, 3, 42, 21, 64, 5, 33, 77}; }

std::vector<double> engine_logits(const Checkpoint& checkpoint) {
  EngineOptions options;
  options.n_threads = 1;
  options.limits.max_model_len = 64;
  options.kv.n_blocks = 8;
  options.kv.type = KvType::f32;
  const auto engine = open_engine(checkpoint, std::make_shared<const ModelText>(), options,
                                  [](std::int64_t, std::int64_t) {});
  Request request;
  request.prompt_ids = prompt();
  request.params.temperature = 0.0f;
  request.params.max_tokens = 1;
  request.params.ignore_eos = true;
  request.want_logits = true;
  std::vector<double> logits;
  read_stream(*engine->submit(std::move(request)), [&](OutputPiece&& piece) {
    if (!piece.prompt_logits.empty()) {
      logits.assign(piece.prompt_logits.begin(), piece.prompt_logits.end());
    }
  });
  return logits;
}

std::string compare(const std::vector<double>& wanted, const std::vector<double>& got,
                    const char* where) {
  double largest = 0, worst = 0;
  bool broken = wanted.size() != got.size();
  for (std::size_t i = 0; i < wanted.size() && !broken; ++i) {
    largest = std::max(largest, std::abs(wanted[i]));
    worst = std::max(worst, std::abs(wanted[i] - got[i]));
    broken = !std::isfinite(got[i]);
  }
  if (broken)
    return fmt::format("{}: the logits are not numbers any more (NaN or infinite)", where);
  if (worst <= kTolerance * largest) return "";
  return fmt::format("{}: a logit is off by {:.3g} (the largest is {:.3g}, allowed is {:.3g})",
                     where, worst, largest, kTolerance * largest);
}

}  // namespace

ModelLogits small_model_logits(bool with_engine) {
  ThreadPool pool(1);
  ModelLogits found;
  for (const RopePairing pairing : {RopePairing::split_halves, RopePairing::interleaved}) {
    const Checkpoint checkpoint =
        make_random_checkpoint("random:lesson:f32", small_qwen2(pairing), DType::f32, pool);
    reference::Model model(checkpoint, pool, 64);
    const std::vector<TokenId> token_ids = prompt();
    const std::span<const float> logits = model.forward(token_ids);
    found.reference.insert(found.reference.end(), logits.begin(), logits.end());
    if (!with_engine) continue;
    const std::vector<double> engine = engine_logits(checkpoint);
    found.engine.insert(found.engine.end(), engine.begin(), engine.end());
  }
  return found;
}

std::string compare_logits(const ModelLogits& wanted, const ModelLogits& got) {
  std::string broken = compare(wanted.reference, got.reference, "in the reference path");
  if (!broken.empty()) return broken;
  return compare(wanted.engine, got.engine, "in the batched engine");
}

}  // namespace tinyllm::learn
