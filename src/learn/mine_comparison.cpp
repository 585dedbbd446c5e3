#include "learn/mine_comparison.h"

#include <algorithm>

#include "client/open_model.h"
#include "client/read_stream.h"
#include "engine/engine.h"
#include "loader/text/text_sources.h"

namespace tinyllm::learn {
namespace {

constexpr auto kDrawNothing = [](std::int64_t, std::int64_t) {};  // no progress bar here

std::vector<TokenId> whole_text(const LoggedAnswer& answer) {
  std::vector<TokenId> ids = answer.prompt_ids;
  ids.insert(ids.end(), answer.token_ids.begin(), answer.token_ids.end());
  return ids;
}

// The log probabilities of every token of a text but the first, with the likeliest one beside each.
std::vector<TokenLogprobs> logprobs_of(const Checkpoint& checkpoint, EngineOptions options,
                                       const std::vector<TokenId>& ids) {
  options.limits.max_model_len = static_cast<std::int32_t>(ids.size() + 1);
  options.prefix_cache = false;
  const std::unique_ptr<Engine> engine =
      load_engine(checkpoint, std::make_shared<const ModelText>(), options, kDrawNothing);
  Request request;
  request.prompt_ids = ids;
  request.params.temperature = 0;
  request.params.max_tokens = 1;
  request.n_prompt_logprobs = 1;
  std::vector<TokenLogprobs> logprobs;
  read_stream(*engine->submit(std::move(request)), [&](OutputPiece&& piece) {
    if (!piece.prompt_logprobs.empty()) logprobs = std::move(piece.prompt_logprobs);
  });
  return logprobs;
}

}  // namespace

VoiceComparison compare_in_engine(const LoggedAnswer& answer) {
  const Checkpoint checkpoint = open_checkpoint(answer.model, answer.engine.context);
  const ModelText text = load_text(checkpoint);
  const std::vector<TokenLogprobs> logprobs =
      logprobs_of(checkpoint, answer.engine, whole_text(answer));
  VoiceComparison comparison;
  for (std::size_t i = 0; i < answer.token_ids.size(); ++i) {
    const TokenLogprobs& at = logprobs.at(answer.prompt_ids.size() - 1 + i);
    const TokenLogprob& best = at.top.front();
    note_token(comparison, {.mine = answer.token_ids[i], .best = best.token_id},
               best.logprob - at.drawn.logprob, kNearTieQuantised, text.tokenizer);
  }
  return comparison;
}

std::string compare_last_answer(const std::filesystem::path& log,
                                function_ref<void(std::size_t n_tokens)> on_begin) {
  std::vector<LoggedAnswer> answers = read_answer_log(log);
  std::erase_if(answers, [](const LoggedAnswer& answer) {
    return answer.token_ids.empty() || answer.prompt_ids.empty();
  });
  if (answers.empty()) return "";
  const LoggedAnswer& last = answers.back();
  if (!last.greedy) {
    return "(an answer that is drawn by chance is compared with nothing; --temperature 0 compares)";
  }
  on_begin(last.token_ids.size());
  if (last.reference) {
    Voice voice;
    voice.prompt_ids = last.prompt_ids;
    voice.token_ids = last.token_ids;
    return describe(compare_with_engine(last.model, voice, last.engine.context),
                    last.token_ids.size());
  }
  return describe(compare_in_engine(last), last.token_ids.size());
}

}  // namespace tinyllm::learn
