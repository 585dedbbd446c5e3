#include "client/chat_session.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/context_limit.h"
#include "base/error.h"
#include "client/chat_prompt.h"
#include "client/saved_talk.h"

namespace tinyllm {

using json = nlohmann::ordered_json;

namespace {

// A turn of the talk begins with one.
bool is_question(const json& message) { return message["role"] == "user"; }

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

std::optional<std::string> ChatSession::take_last_turn() {
  const auto last = std::find_if(messages_->rbegin(), messages_->rend(), is_question);
  if (last == messages_->rend()) return std::nullopt;
  auto question = (*last)["content"].get<std::string>();
  messages_->erase(std::prev(last.base()), messages_->end());
  return question;
}

std::string ChatSession::last_answer() const {
  return messages_->empty() ? "" : messages_->back()["content"].get<std::string>();
}

json ChatSession::to_json() const { return {{"system", system_}, {"messages", *messages_}}; }

void ChatSession::restore(const json& talk) {
  json messages = read_talk(talk);
  system_ = talk["system"].get<std::string>();
  *messages_ = std::move(messages);
}

std::int64_t ChatSession::n_turns() const { return std::ranges::count_if(*messages_, is_question); }

json ChatSession::prompt_messages() const {
  json messages = json::array();
  if (!system_.empty()) messages.push_back({{"role", "system"}, {"content", system_}});
  for (const json& message : *messages_) messages.push_back(message);
  return messages;
}

std::vector<TokenId> ChatSession::render() const {
  if (agent_ != nullptr) return agent_->encode(prompt_messages());
  return encode_chat(tokenizer_, chat_template_.render({{"messages", prompt_messages()}}));
}

// The last question stays, with what has been said and done to it.
bool ChatSession::drop_oldest_turn() {
  if (n_turns() < 2) return false;
  const auto next = std::find_if(messages_->begin() + 1, messages_->end(), is_question);
  messages_->erase(messages_->begin(), next);
  return true;
}

// Drops turns until prompt and answer so far leave half of the context free, so that it is not done
// at every turn (each drop costs the K/V rows).
std::int64_t ChatSession::drop_turns(std::vector<TokenId>& prompt_ids, std::int64_t n_answer_ids) {
  std::int64_t n_dropped = 0;
  while (std::ssize(prompt_ids) + n_answer_ids > completer_.context() / 2 && drop_oldest_turn()) {
    ++n_dropped;
    prompt_ids = render();
  }
  return n_dropped;
}

// An eighth of the context must be left for the answer.
std::vector<TokenId> ChatSession::fit_prompt(const ChatWatcher& watcher) {
  const std::int64_t context = completer_.context();
  std::vector<TokenId> prompt_ids = render();
  if (shift_ && std::ssize(prompt_ids) > context - context / 8) {
    const std::int64_t n_dropped = drop_turns(prompt_ids, 0);
    if (n_dropped > 0) watcher.on_dropped(n_dropped);
  }
  require_room(std::ssize(prompt_ids), context);
  return prompt_ids;
}

// Continues prompt and answer so far until something ends it.
void ChatSession::run(const std::vector<TokenId>& prompt_ids, Turn& turn,
                      const ChatWatcher& watcher) {
  std::vector<TokenId> input = prompt_ids;
  input.insert(input.end(), turn.ids.begin(), turn.ids.end());
  SamplingParams params = params_;
  params.seed += n_answers_;
  const auto n_before = static_cast<int>(turn.ids.size());
  const int asked = params.max_tokens -= n_before;
  params.min_tokens = std::max(0, params.min_tokens - n_before);
  fit_into_room(params, std::ssize(input), completer_.context());
  const Completion completion =
      completer_.complete(input, params, /*wants_logits=*/false,
                          {watcher.on_text, watcher.on_prefill, watcher.interrupted});

  ChatAnswer& answer = turn.answer;
  if (turn.ids.empty()) {
    answer.n_prompt_tokens = std::ssize(prompt_ids);
    answer.n_reused_tokens = completion.n_cached_tokens;
  }
  turn.ids.insert(turn.ids.end(), completion.token_ids.begin(), completion.token_ids.end());
  answer.n_context_tokens = std::ssize(prompt_ids) + std::ssize(turn.ids);
  answer.text += completion.text;
  answer.drafts += completion.drafts;
  answer.account = completion.account;
  answer.prefill_s += completion.prefill_s;
  answer.decode_s += completion.decode_s;
  answer.finish_reason = completion.finish_reason;
  answer.context_full = answer.finish_reason == FinishReason::length && params.max_tokens < asked;
}

ChatAnswer ChatSession::answer_alone(const ChatWatcher& watcher) {
  std::vector<TokenId> prompt_ids = fit_prompt(watcher);
  Turn turn;
  run(prompt_ids, turn, watcher);
  while (turn.answer.context_full && shift_) {
    const std::int64_t n_dropped = drop_turns(prompt_ids, std::ssize(turn.ids));
    if (n_dropped == 0 || std::ssize(prompt_ids) + std::ssize(turn.ids) >= completer_.context())
      break;
    watcher.on_dropped(n_dropped);
    run(prompt_ids, turn, watcher);
  }
  turn.answer.n_tokens = std::ssize(turn.ids);
  if (!turn.answer.text.empty() || turn.answer.finish_reason != FinishReason::cancelled)
    messages_->push_back({{"role", "assistant"}, {"content", turn.answer.text}});
  return std::move(turn.answer);
}

ChatAnswer ChatSession::answer_by_agent(const ChatWatcher& watcher) {
  const auto prompt = [&] {
    fit_prompt(watcher);
    return prompt_messages();
  };
  const auto append = [&](json message) { messages_->push_back(std::move(message)); };
  SamplingParams params = params_;
  params.seed += n_answers_;
  return agent_->answer({prompt, append}, params, watcher);
}

ChatAnswer ChatSession::answer(const std::string& user_text, const ChatWatcher& watcher) {
  const json before = *messages_;
  messages_->push_back({{"role", "user"}, {"content", user_text}});
  try {
    ChatAnswer answer = agent_ != nullptr ? answer_by_agent(watcher) : answer_alone(watcher);
    n_context_tokens_ = answer.n_context_tokens;
    ++n_answers_;
    if (is_question(messages_->back())) *messages_ = before;  // it was stopped before it began
    return answer;
  } catch (const Error&) {
    *messages_ = before;
    throw;
  }
}

}  // namespace tinyllm
