// Text to ids, ids to text, messages to the prompt: the model's tokenizer and template alone.

#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "openai/answer_json.h"
#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/prompt.h"
#include "server/routes.h"

namespace tinyllm {

using json = nlohmann::ordered_json;

void answer_tokenize(Service& service, const ExchangePtr& exchange, const std::string&) {
  service.models().check_ready();
  const ApiRequest request = parse_api_request(ApiKind::tokenize, exchange->request().body);
  const ServedModel& model = service.models().find(request.model);
  const std::vector<TokenId> ids = encode_prompts(request, model).front();
  json answer = {{"count", ids.size()}, {"max_model_len", model.max_model_len()}, {"tokens", ids}};
  if (request.token_pieces) {
    answer["token_strs"] = json::array();
    for (const TokenId id : ids)
      answer["token_strs"].push_back(replace_ill_formed(model.tokenizer().token_bytes(id)));
  }
  exchange->send({.body = to_text(answer)});
}

void answer_detokenize(Service& service, const ExchangePtr& exchange, const std::string&) {
  service.models().check_ready();
  const ApiRequest request = parse_api_request(ApiKind::detokenize, exchange->request().body);
  const ServedModel& model = service.models().find(request.model);
  for (const TokenId id : request.detokenize_ids) {
    if (id >= model.tokenizer().vocab_size()) {
      refuse_field("tokens", fmt::format("a list with the id {}", id),
                   fmt::format("ids in [0, {})", model.tokenizer().vocab_size()));
    }
  }
  const std::string text =
      model.tokenizer().decode(request.detokenize_ids, request.skip_special_tokens);
  exchange->send({.body = to_text({{"prompt", text}, {"content", text}})});
}

void answer_apply_template(Service& service, const ExchangePtr& exchange, const std::string&) {
  const ServedModel& model = service.models().find();  // the body names none
  const ApiRequest request = parse_api_request(ApiKind::apply_template, exchange->request().body);
  exchange->send({.body = to_text({{"prompt", render_messages(request, model).text}})});
}

}  // namespace tinyllm
