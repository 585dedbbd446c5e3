#include "openai/answer_writer.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_values.h"

namespace tinyllm {

std::unique_ptr<AnswerWriter> make_answer_writer(const ApiAnswer& answer, const ServedModel& model,
                                                 ResponseStore& store, std::string owner) {
  switch (answer.request().kind) {
    case ApiKind::responses: return make_responses_writer(answer, store, std::move(owner));
    case ApiKind::messages: return make_messages_writer(answer);
    default: return make_chat_writer(answer, model);
  }
}

std::string typed_event(const nlohmann::ordered_json& document) {
  return "event: " + document["type"].get<std::string>() +
         "\ndata: " + text_with_big_integers(document) + "\n\n";
}

}  // namespace tinyllm
