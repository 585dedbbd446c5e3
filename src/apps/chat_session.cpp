#include "apps/chat_session.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

std::int64_t count(const std::vector<TokenId>& ids) {
  return static_cast<std::int64_t>(ids.size());
}

}  // namespace

// One answer in the making; it lives on when the context is shifted under it.
struct ChatSession::Turn {
  std::vector<TokenId> ids;  // of the answer so far
  ChatAnswer answer;
};

ChatSession::ChatSession(const Tokenizer& tokenizer, const ChatTemplate& chat_template,
                         Completer& completer, SamplingParams params, bool shift)
    : tokenizer_(tokenizer),
      chat_template_(chat_template),
      completer_(completer),
      params_(std::move(params)),
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
  while (count(prompt_ids) + n_answer_ids > completer_.context() / 2 && drop_oldest_turn()) {
    ++n_dropped;
    prompt_ids = render();
  }
  return n_dropped;
}

// An eighth of the context must be left for the answer.
std::vector<TokenId> ChatSession::fit_prompt(const ChatWatcher& watcher) {
  const std::int64_t context = completer_.context();
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

// Continues prompt and answer so far until something ends it.
void ChatSession::run(const std::vector<TokenId>& prompt_ids, Turn& turn,
                      const ChatWatcher& watcher) {
  std::vector<TokenId> input = prompt_ids;
  input.insert(input.end(), turn.ids.begin(), turn.ids.end());
  SamplingParams params = params_;
  params.seed += n_answers_;
  const std::int64_t asked = params_.max_tokens - count(turn.ids);
  const std::int64_t room = completer_.context() - count(input);
  params.max_tokens = static_cast<int>(std::min(asked, room));
  params.min_tokens = std::max<int>(0, params_.min_tokens - static_cast<int>(turn.ids.size()));
  params.min_tokens = std::min(params.min_tokens, params.max_tokens);
  const Completion completion =
      completer_.complete(input, params, /*wants_logits=*/false,
                          {watcher.on_text, watcher.on_prefill, watcher.interrupted});

  ChatAnswer& answer = turn.answer;
  if (turn.ids.empty()) {
    answer.n_prompt_tokens = count(prompt_ids);
    answer.n_reused_tokens = completion.n_cached_tokens;
  }
  turn.ids.insert(turn.ids.end(), completion.token_ids.begin(), completion.token_ids.end());
  n_context_tokens_ = count(prompt_ids) + count(turn.ids);
  answer.text += completion.text;
  answer.prefill_s += completion.prefill_s;
  answer.decode_s += completion.decode_s;
  answer.finish_reason = completion.finish_reason;
  answer.context_full = answer.finish_reason == FinishReason::length && room < asked;
}

ChatAnswer ChatSession::answer(const std::string& user_text, const ChatWatcher& watcher) {
  const json before = *messages_;
  messages_->push_back({{"role", "user"}, {"content", user_text}});
  try {
    std::vector<TokenId> prompt_ids = fit_prompt(watcher);
    Turn turn;
    run(prompt_ids, turn, watcher);
    while (turn.answer.context_full && shift_) {
      const std::int64_t n_dropped = drop_turns(prompt_ids, count(turn.ids));
      if (n_dropped == 0 || count(prompt_ids) + count(turn.ids) >= completer_.context()) break;
      watcher.on_dropped(n_dropped);
      run(prompt_ids, turn, watcher);
    }
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
