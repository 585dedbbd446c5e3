#pragma once
// How an answer reaches its client: the events of a stream, or one document, as the API that was asked
// has them. One writer an answer, on its thread.

#include <memory>
#include <string>
#include <string_view>

#include "openai/api_answer.h"

namespace tinyllm {

class ApiError;
class ResponseStore;

class AnswerWriter {
 public:
  virtual ~AnswerWriter() = default;

  // A stream: begin() once, piece() for each piece of news, end() when every text has ended, or
  // failure() instead. Each gives server-sent events, or "".
  virtual std::string begin() = 0;
  virtual std::string piece(AnswerChoice news) = 0;
  virtual std::string end() = 0;
  virtual std::string failure(int status, std::string_view message) = 0;
  // Whether the answer must be gathered while it is streamed.
  virtual bool needs_whole() const { return false; }

  // JSON text, when everything is gathered.
  virtual std::string whole() = 0;
};

// `answer` must outlive the writer and stay where it is. Responses that their client wants kept go
// into `store`, under the name of whoever asked.
std::unique_ptr<AnswerWriter> make_answer_writer(const ApiAnswer& answer, const ServedModel& model,
                                                 ResponseStore& store, std::string owner);

// The writers (chat_writer.cpp, responses_writer.cpp, messages_writer.cpp).
std::unique_ptr<AnswerWriter> make_chat_writer(const ApiAnswer& answer, const ServedModel& model);
std::unique_ptr<AnswerWriter> make_responses_writer(const ApiAnswer& answer, ResponseStore& store,
                                                    std::string owner);
std::unique_ptr<AnswerWriter> make_messages_writer(const ApiAnswer& answer);

// The failure of a chat's stream in which nothing was written yet.
std::string chat_failure(const ApiError& error);

// "event: <type>\ndata: <json>\n\n", with the type that the document names.
std::string typed_event(const nlohmann::ordered_json& document);

}  // namespace tinyllm
