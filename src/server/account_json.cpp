#include "server/account_json.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "api/describe_gap.h"
#include "base/utf8.h"
#include "openai/served_model.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* kNotTold =
    "what was cached may be of clients who do not know each other, so it is not told where they "
    "differ; a server with API keys that do not share the cache tells it, to requests that came "
    "through no proxy";

// Microseconds are enough.
json seconds_json(double seconds) {
  if (seconds < 0) return nullptr;
  return std::round(seconds * 1e6) / 1e6;
}

const char* state_of(const TextAccount& text) {
  if (text.finish_reason != FinishReason::none) return "finished";
  return text.queue_s < 0 ? "waiting" : "running";
}

json steps_json(const TextAccount::Steps& steps) {
  return {{"n", steps.n}, {"seconds", seconds_json(steps.seconds)}};
}

json cache_json(const TextAccount& text, const KeptAccounts& kept) {
  if (text.queue_s < 0) return nullptr;
  json cache = {{"why", nullptr},
                {"common_tokens", nullptr},
                {"token_id", nullptr},
                {"token", nullptr},
                {"sentence", kNotTold}};
  const bool is_own =
      text.gap.why == PrefixGap::Why::whole || text.gap.why == PrefixGap::Why::not_looked;
  if (!is_own && !kept.tells_gap) return cache;
  cache["why"] = name(text.gap.why);
  cache["common_tokens"] = text.gap.n_common;
  std::string token;
  if (text.gap_token_id >= 0 && kept.tells_gap) {
    token = replace_ill_formed(kept.model->tokenizer().token_bytes(text.gap_token_id));
    cache["token_id"] = text.gap_token_id;
    cache["token"] = token;
  }
  const std::int32_t block_size = kept.model->engine->kv().block_size;
  cache["sentence"] = describe_gap(text, block_size, json(token).dump());
  return cache;
}

// A step reads all weights that its texts need: with experts, these are those of one token.
json decode_json(const TextAccount& text, const Engine& engine) {
  json decode = steps_json(text.decode);
  const std::int64_t n_bytes = engine.weight_bytes_a_token();
  decode["weight_bytes_per_step"] = n_bytes;
  decode["weight_bytes_per_second"] = nullptr;
  if (text.decode.seconds > 0) {
    const double n_all = static_cast<double>(n_bytes) * static_cast<double>(text.decode.n);
    decode["weight_bytes_per_second"] = std::llround(n_all / text.decode.seconds);
  }
  return decode;
}

json text_json(const TextAccount& text, std::size_t prompt_idx, int choice_idx,
               const KeptAccounts& kept) {
  const Engine& engine = *kept.model->engine;
  const bool ended = text.finish_reason != FinishReason::none;
  return {{"prompt", prompt_idx},
          {"choice", choice_idx},
          {"state", state_of(text)},
          {"finish_reason", ended ? json(to_string(text.finish_reason)) : json(nullptr)},
          {"time",
           {{"queued_s", seconds_json(text.queue_s)},
            {"first_token_s", seconds_json(text.first_token_s)},
            {"total_s", seconds_json(text.total_s)}}},
          {"prompt_tokens",
           {{"all", text.n_prompt},
            {"cached", text.n_cached},
            {"steps", text.n_prompt_steps},
            {"kv_store_blocks", text.n_loaded / engine.kv().block_size}}},
          {"cache", cache_json(text, kept)},
          {"answer_tokens", {{"all", text.n_generated}, {"steps", text.n_decode_steps}}},
          {"preemptions", text.n_preemptions},
          {"drafts",
           {{"steps", text.drafts.n_steps},
            {"proposed", text.drafts.n_proposed},
            {"accepted", text.drafts.n_accepted}}},
          {"steps", {{"alone", steps_json(text.alone)}, {"shared", steps_json(text.shared)}}},
          {"decode", decode_json(text, engine)}};
}

}  // namespace

json account_json(const KeptAccounts& kept) {
  json texts = json::array();
  for (std::size_t i = 0; i < kept.accounts.size(); ++i) {
    for (int choice = 0; choice < kept.accounts[i]->n_choices(); ++choice)
      texts.push_back(text_json(kept.accounts[i]->text(choice), i, choice, kept));
  }
  return {{"id", kept.answer_id}, {"request_id", kept.request_id}, {"texts", std::move(texts)}};
}

}  // namespace tinyllm
