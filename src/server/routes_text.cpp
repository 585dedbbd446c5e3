// Text to ids, ids to text, messages to the prompt: the model's tokenizer and template alone.

#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "openai/answer_json.h"
#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/prompt.h"
#include "server/routes.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

// What one answer may hold. More is asked for in parts.
constexpr std::size_t kMaxAnswerBytes = 16 << 20;

json tokenize(const ApiRequest& request, const ServedModel& model) {
  const std::vector<TokenId> ids = encode_prompts(request, model).ids.front();
  json answer = {{"count", ids.size()}, {"max_model_len", model.max_model_len()}, {"tokens", ids}};
  if (request.token_pieces) {
    answer["token_strs"] = json::array();
    for (const TokenId id : ids)
      answer["token_strs"].push_back(replace_ill_formed(model.tokenizer().token_bytes(id)));
  }
  return answer;
}

json count_tokens(const ApiRequest& request, const ServedModel& model) {
  return {{"input_tokens", encode_prompts(request, model).ids.front().size()}};
}

json detokenize(const ApiRequest& request, const ServedModel& model) {
  const Tokenizer& tokenizer = model.tokenizer();
  std::size_t n_bytes = 0;
  for (const TokenId id : request.detokenize_ids) {
    if (id >= tokenizer.vocab_size()) {
      refuse_field("tokens", fmt::format("a list with the id {}", id),
                   fmt::format("ids in [0, {})", tokenizer.vocab_size()));
    }
    n_bytes += tokenizer.token_bytes(id).size();
  }
  if (n_bytes > kMaxAnswerBytes) {
    refuse_field("tokens", fmt::format("a list whose text has {} bytes", n_bytes),
                 fmt::format("at most {} bytes; ask for it in parts", kMaxAnswerBytes));
  }
  const std::string text = tokenizer.decode(request.detokenize_ids, request.skip_special_tokens);
  return {{"prompt", text}, {"content", text}};
}

json apply_template(const ApiRequest& request, const ServedModel& model) {
  const MarkedText prompt = render_messages(request, model);
  json answer = {{"prompt", prompt.text}};
  if (loses_its_marks(prompt, model)) {
    answer["warning"] =
        "a message holds what is written like a special token; in this text alone nothing says "
        "any more that it is not one, so send the messages, not the text";
  }
  return answer;
}

using Work = json (*)(const ApiRequest&, const ServedModel&);

void answer_text(Service& service, const ExchangePtr& exchange, ApiKind kind, Work work) {
  service.models().check_ready();
  service.compute(exchange, [&service, exchange, kind, work](const Service::HasLeft& has_left) {
    ApiRequest request = parse_api_request(kind, exchange->request().body);
    const ServedModel& model = service.models().find(request.model);
    check_unknown_fields(request, service.options().strict);
    request.has_left = has_left;
    const auto body = std::make_shared<std::string>(to_text(work(request, model)));
    request.detokenize_ids.clear(), request.prompts.clear(), request.messages.reset();
    return [exchange, body, request = std::move(request)] {
      exchange->drop_body();
      add_warnings(*exchange, request);
      exchange->send({.body = std::move(*body)});
    };
  });
}

// A special token's text; null where the model has none.
json token_or_null(const Tokenizer& tokenizer, std::optional<TokenId> id) {
  return id ? json(replace_ill_formed(tokenizer.token_bytes(*id))) : json(nullptr);
}

}  // namespace

void answer_count_tokens(Service& service, const ExchangePtr& exchange) {
  answer_text(service, exchange, ApiKind::count_tokens, count_tokens);
}

void answer_tokenize(Service& service, const ExchangePtr& exchange) {
  answer_text(service, exchange, ApiKind::tokenize, tokenize);
}

void answer_detokenize(Service& service, const ExchangePtr& exchange) {
  answer_text(service, exchange, ApiKind::detokenize, detokenize);
}

void answer_apply_template(Service& service, const ExchangePtr& exchange) {
  answer_text(service, exchange, ApiKind::apply_template, apply_template);
}

// What a client needs that keeps no tokenizer of its own, under the names of a
// tokenizer_config.json.
void answer_tokenizer_info(Service& service, const ExchangePtr& exchange) {
  const ServedModel& model = service.models().find();
  const Tokenizer& tokenizer = model.tokenizer();
  const auto& chat_template = model.engine->text().chat_template;
  const json eos = token_or_null(tokenizer, tokenizer.eos_id());
  exchange->send(
      {.body = to_text({
           {"tokenizer_class", "tinyllm"},
           {"vocab_size", tokenizer.vocab_size()},
           {"model_max_length", model.max_model_len()},
           {"bos_token", token_or_null(tokenizer, tokenizer.bos_id())},
           {"eos_token", eos},
           {"pad_token", eos},
           {"chat_template", chat_template ? json(chat_template->source()) : json(nullptr)},
       })});
}

}  // namespace tinyllm
