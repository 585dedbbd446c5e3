#include "apps/chat_session.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/open_model.h"
#include "base/clock.h"
#include "base/error.h"
#include "reference/generate.h"
#include "text/detokenizer.h"
#include "text/stop_strings.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

std::int64_t common_prefix(const std::vector<TokenId>& a, const std::vector<TokenId>& b) {
  const std::size_t n = std::min(a.size(), b.size());
  std::size_t i = 0;
  while (i < n && a[i] == b[i]) ++i;
  return static_cast<std::int64_t>(i);
}

std::int64_t count(const std::vector<TokenId>& ids) {
  return static_cast<std::int64_t>(ids.size());
}

}  // namespace

// One answer in the making; it lives on when the context is shifted under it.
struct ChatSession::Turn {
  Turn(const Tokenizer& tokenizer, std::vector<std::string> stops)
      : detokenizer(tokenizer), stop_strings(std::move(stops)) {}
  Detokenizer detokenizer;
  StopStrings stop_strings;
  std::vector<TokenId> ids;  // of the answer so far
  ChatAnswer answer;
};

ChatSession::ChatSession(const Tokenizer& tokenizer, const ChatTemplate& chat_template,
                         ReferenceModel& model, SamplingParams params, std::vector<TokenId> eos_ids,
                         bool shift)
    : tokenizer_(tokenizer),
      chat_template_(chat_template),
      model_(model),
      params_(std::move(params)),
      eos_ids_(std::move(eos_ids)),
      shift_(shift),
      messages_(std::make_unique<json>(json::array())) {}

ChatSession::~ChatSession() = default;

void ChatSession::reset() { *messages_ = json::array(); }

void ChatSession::set_system(const std::string& text) {
  system_ = text;
  reset();
}

std::int64_t ChatSession::n_turns() const {
  return static_cast<std::int64_t>(messages_->size() + 1) / 2;
}

std::int64_t ChatSession::n_context_tokens() const { return model_.n_computed(); }

std::vector<TokenId> ChatSession::render() const {
  json messages = json::array();
  if (!system_.empty()) messages.push_back({{"role", "system"}, {"content", system_}});
  for (const json& message : *messages_) messages.push_back(message);
  const MarkedText prompt = chat_template_.render({{"messages", std::move(messages)}});
  EncodeOptions options;
  options.add_special = false;  // the template writes BOS itself where the model wants one
  options.plain_ranges = prompt.user_ranges;
  return tokenizer_.encode(prompt.text, options);
}

// The last message is the user's new one and stays.
bool ChatSession::drop_oldest_turn() {
  if (messages_->size() < 3) return false;
  messages_->erase(messages_->begin(), messages_->begin() + 2);
  return true;
}

// Drops turns until prompt and answer so far leave half of the context free, so that it is not done
// at every turn (each drop costs the K/V rows).
std::int64_t ChatSession::drop_turns(std::vector<TokenId>& prompt_ids, std::int64_t n_answer_ids) {
  std::int64_t n_dropped = 0;
  while (count(prompt_ids) + n_answer_ids > model_.max_tokens() / 2 && drop_oldest_turn()) {
    ++n_dropped;
    prompt_ids = render();
  }
  return n_dropped;
}

// An eighth of the context must be left for the answer.
std::vector<TokenId> ChatSession::fit_prompt(const ChatWatcher& watcher) {
  const std::int64_t context = model_.max_tokens();
  std::vector<TokenId> prompt_ids = render();
  if (shift_ && count(prompt_ids) > context - context / 8) {
    const std::int64_t n_dropped = drop_turns(prompt_ids, 0);
    if (n_dropped > 0) watcher.on_dropped(n_dropped);
  }
  if (count(prompt_ids) >= context) {
    fail(ErrorCode::context_overflow, "the {} {} tokens, the context holds {}; {}",
         shift_ ? "message takes" : "conversation takes", count(prompt_ids), context,
         shift_ ? "shorten it or raise --context"
                : "/reset starts anew, a larger --context makes room");
  }
  return prompt_ids;
}

// Generates from prompt and answer so far until something ends it.
void ChatSession::run(const std::vector<TokenId>& prompt_ids, Turn& turn,
                      const ChatWatcher& watcher) {
  std::vector<TokenId> input = prompt_ids;
  input.insert(input.end(), turn.ids.begin(), turn.ids.end());
  const std::int64_t reused = std::min(common_prefix(computed_ids_, input), count(input) - 1);
  model_.rewind(std::min(reused, model_.n_computed()));
  computed_ids_ = input;  // generate() computes all of it, or throws before it computes anything
  ChatAnswer& answer = turn.answer;
  if (turn.ids.empty()) {
    answer.n_prompt_tokens = count(prompt_ids);
    answer.n_reused_tokens = model_.n_computed();
  }

  const Stopwatch prefill_clock;
  const bool computed = prefill(model_, input, [&](std::int64_t n_done) {
    watcher.on_prefill(n_done, count(input));
    return !watcher.interrupted();
  });
  answer.prefill_s += prefill_clock.seconds();
  if (!computed) {
    answer.finish_reason = FinishReason::cancelled;
    return;
  }
  SamplingParams params = params_;
  params.seed += n_answers_;
  const std::int64_t asked = params_.max_tokens - count(turn.ids);
  const std::int64_t room = model_.max_tokens() - count(input);
  params.max_tokens = static_cast<int>(std::min(asked, room));
  params.min_tokens = std::max<int>(0, params_.min_tokens - static_cast<int>(turn.ids.size()));
  params.min_tokens = std::min(params.min_tokens, params.max_tokens);
  const GenerateResult result =
      generate(model_, input, params, {eos_ids_, false}, [&](TokenId token_id) {
        turn.ids.push_back(token_id);
        const std::string text = turn.stop_strings.push(turn.detokenizer.push(token_id));
        answer.text += text;
        watcher.on_text(text);
        return !turn.stop_strings.matched() && !watcher.interrupted();
      });
  computed_ids_.insert(computed_ids_.end(), result.token_ids.begin(), result.token_ids.end());
  answer.prefill_s += result.prefill_s;
  answer.decode_s += result.decode_s;
  answer.finish_reason = turn.stop_strings.matched() ? FinishReason::stop : result.finish_reason;
  answer.context_full = answer.finish_reason == FinishReason::length && room < asked;
}

ChatAnswer ChatSession::answer(const std::string& user_text, const ChatWatcher& watcher) {
  const json before = *messages_;
  messages_->push_back({{"role", "user"}, {"content", user_text}});
  try {
    std::vector<TokenId> prompt_ids = fit_prompt(watcher);
    Turn turn(tokenizer_, params_.stop);
    run(prompt_ids, turn, watcher);
    while (turn.answer.context_full && shift_) {
      const std::int64_t n_dropped = drop_turns(prompt_ids, count(turn.ids));
      if (n_dropped == 0 || count(prompt_ids) + count(turn.ids) >= model_.max_tokens()) break;
      watcher.on_dropped(n_dropped);
      run(prompt_ids, turn, watcher);
    }
    const std::string rest =
        turn.stop_strings.push(turn.detokenizer.finish()) + turn.stop_strings.finish();
    turn.answer.text += rest;
    watcher.on_text(rest);
    turn.answer.n_tokens = count(turn.ids);
    ++n_answers_;
    if (turn.answer.text.empty() && turn.answer.finish_reason == FinishReason::cancelled) {
      *messages_ = before;
    } else {
      messages_->push_back({{"role", "assistant"}, {"content", turn.answer.text}});
    }
    return turn.answer;
  } catch (const Error&) {
    *messages_ = before;
    throw;
  }
}

}  // namespace tinyllm
