#pragma once
// A conversation: messages so far, the prompt that the model's template makes of them, and the K/V
// rows that one turn leaves for the next. Knows no terminal. One thread.

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/sampling_params.h"
#include "client/chat_agent.h"
#include "client/completer.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace tinyllm {

class ChatSession {
 public:
  // All of them must outlive the session. `params.seed` is that of the first answer; the n-th after
  // it uses seed + n, so that a question asked again may be answered otherwise. `shift`: drop the
  // oldest turns when the context is full, else stop.
  ChatSession(const Tokenizer& tokenizer, const ChatTemplate& chat_template, Completer& completer,
              SamplingParams params, bool shift);
  ~ChatSession();

  // From now on `agent` answers, with its tools; it must outlive the session.
  void set_agent(ChatAgent* agent) { agent_ = agent; }

  // Appends the user's message and the model's answer (also a stopped one; nothing when it stopped
  // before the first token), with the calls of tools that led to it. Throws Error{context_overflow} when the message alone does not fit,
  // Error{invalid_input} when the template refuses; the conversation is then as before.
  ChatAnswer answer(const std::string& user_text, const ChatWatcher& watcher);

  void reset();                              // forgets all messages but the system prompt
  void set_system(const std::string& text);  // and resets; "": the template's own

  // Takes the last question and its answer out of the talk and returns the question; nothing when
  // there is none. Asked again, it is answered with the next seed.
  std::optional<std::string> take_last_turn();
  std::string last_answer() const;  // "" when there is none

  const SamplingParams& params() const { return params_; }
  void set_params(SamplingParams params) { params_ = std::move(params); }

  // {"system": "...", "messages": [{"role": ..., "content": ...}, ...]}, and back, with calls of tools
  // and their results. Throws Error{invalid_input} for anything else; the talk is then as before.
  nlohmann::ordered_json to_json() const;
  void restore(const nlohmann::ordered_json& talk);

  std::int64_t n_turns() const;
  std::int64_t n_context_tokens() const { return n_context_tokens_; }  // prompt and last answer

 private:
  struct Turn;
  nlohmann::ordered_json prompt_messages() const;
  std::vector<TokenId> render() const;
  std::vector<TokenId> fit_prompt(const ChatWatcher& watcher);
  bool drop_oldest_turn();
  std::int64_t drop_turns(std::vector<TokenId>& prompt_ids, std::int64_t n_answer_ids);
  void run(const std::vector<TokenId>& prompt_ids, Turn& turn, const ChatWatcher& watcher);
  ChatAnswer answer_alone(const ChatWatcher& watcher);
  ChatAnswer answer_by_agent(const ChatWatcher& watcher);

  const Tokenizer& tokenizer_;
  const ChatTemplate& chat_template_;
  Completer& completer_;
  ChatAgent* agent_ = nullptr;
  SamplingParams params_;
  bool shift_;
  std::string system_;
  std::unique_ptr<nlohmann::ordered_json> messages_;  // without the system message
  std::int64_t n_context_tokens_ = 0;
  std::uint64_t n_answers_ = 0;
};

}  // namespace tinyllm
