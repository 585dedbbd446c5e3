// Answers of /v1/chat/completions and /v1/completions: OpenAI's chunks, and [DONE].

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/json_values.h"
#include "openai/answer_writer.h"
#include "openai/api_error.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

std::string event(const json& document) { return "data: " + to_text(document) + "\n\n"; }

class ChatWriter : public AnswerWriter {
 public:
  ChatWriter(const ApiAnswer& answer, const ServedModel& model)
      : answer_(answer), model_(model), deliveries_(answer.n_texts()) {
    const EarlierRounds* before = answer.request().rounds.get();
    for (Delivery& delivery : deliveries_) delivery.gave_role = before && before->has_begun;
  }

  std::string begin() override {
    std::string events;
    for (std::size_t i = 0; i < deliveries_.size(); ++i) {
      AnswerChoice opening = answer_.text(i).whole;
      opening.wants_token_ids = false;
      opening.text = answer_.run_of(i).echo;
      if (is_chat() || !opening.text.empty()) events += piece(std::move(opening));
    }
    return events;
  }

  std::string piece(AnswerChoice news) override {
    Delivery& delivery = deliveries_[news.idx];
    news.text_offset = delivery.n_characters;
    news.open_character = delivery.open_character;
    delivery.open_character = open_character_after(news, model_.tokenizer());
    delivery.n_characters += count_characters(news.text);
    const FinishReason reason = news.finish_reason;
    std::string events;
    if (says_something(news, delivery)) {
      AnswerChoice body = news;
      body.finish_reason = FinishReason::none;
      body.stop_string.clear();
      events += chunk(body, delivery);
    }
    if (reason == FinishReason::none) return events;
    // The end stands in a chunk of its own, which holds nothing else.
    news.text.clear(), news.logprobs.clear(), news.token_ids.clear();
    news.reasoning.clear(), news.calls.clear(), news.failed_calls.clear();
    news.tool_parse_error.clear();
    return events + chunk(news, delivery);
  }

  std::string end() override {
    std::string events;
    if (answer_.request().include_usage) {
      json document = chunk_json(answer_.head());
      document["usage"] = usage_json(answer_.usage());
      events = event(document);
    }
    return events + "data: [DONE]\n\n";
  }

  std::string failure(int status, std::string_view message) override {
    return chat_failure(ApiError(status, "", "", std::string(message)));
  }

  std::string whole() override {
    json document = answer_.to_json();
    const JsonDismantler dismantler(document);
    return to_text(document);
  }

 private:
  // How far a text is on its way to the client.
  struct Delivery {
    bool gave_role = false;
    std::int64_t n_characters = 0;  // streamed so far
    std::string open_character;     // its first bytes, in tokens that came before
  };

  bool is_chat() const { return answer_.request().kind == ApiKind::chat; }
  bool opens(const Delivery& delivery) const { return is_chat() && !delivery.gave_role; }

  bool says_something(const AnswerChoice& news, const Delivery& delivery) const {
    return opens(delivery) || !news.text.empty() || !news.logprobs.empty() ||
           !news.reasoning.empty() || !news.calls.empty() || !news.tool_parse_error.empty() ||
           (news.wants_token_ids && !news.token_ids.empty());
  }

  std::string chunk(const AnswerChoice& choice, Delivery& delivery) const {
    const ApiRequest& request = answer_.request();
    json document = chunk_json(answer_.head());
    document["choices"].push_back(
        chunk_choice_json(answer_.head(), choice, opens(delivery), model_.tokenizer()));
    if (request.continuous_usage) {
      document["usage"] = usage_json(answer_.usage());
    } else if (request.include_usage) {
      document["usage"] = nullptr;
    }
    delivery.gave_role = true;
    return event(document);
  }

  const ApiAnswer& answer_;
  const ServedModel& model_;
  std::vector<Delivery> deliveries_;  // one a text
};

}  // namespace

std::string chat_failure(const ApiError& error) {
  return "data: " + describe_error(error).body + "\n\ndata: [DONE]\n\n";
}

std::unique_ptr<AnswerWriter> make_chat_writer(const ApiAnswer& answer, const ServedModel& model) {
  return std::make_unique<ChatWriter>(answer, model);
}

}  // namespace tinyllm
