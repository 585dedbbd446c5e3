#pragma once
// Reads the parts of messages, whichever API's form they have. Any thread.

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "openai/api_request.h"

namespace tinyllm {

inline constexpr std::size_t kMaxArgumentBytes = std::size_t{1} << 22;  // of all calls together
inline constexpr std::size_t kMaxPartNameBytes = 256;                   // of ids, names and roles

// Each throws ApiError{400} with the path of what is wrong.

// A string, or an array of text parts, which are joined by line breaks as vLLM and llama.cpp do.
// `types`: what a text part may call itself.
std::string read_content(const std::string& path, const nlohmann::ordered_json& content,
                         std::initializer_list<std::string_view> types);

// The arguments of a call as the object that they are; a text that is none stays one.
// `n_bytes_left` of such texts may become values of JSON.
nlohmann::ordered_json read_arguments(const std::string& path,
                                      const nlohmann::ordered_json& arguments,
                                      std::size_t& n_bytes_left);

// A call as messages have it.
nlohmann::ordered_json call_of(const std::string& id, const std::string& name,
                               nlohmann::ordered_json arguments);

// A conversation from other APIs' items, message by message. An assistant's text, reasoning and calls
// that follow each other become one message.
class Conversation {
 public:
  Conversation();

  void add_text(const std::string& role, std::string text);
  void add_reasoning(const std::string& text);  // of the assistant's next words or calls
  void add_call(nlohmann::ordered_json call);
  void add_result(const std::string& call_id, std::string text);

  const nlohmann::ordered_json& messages() const { return *messages_; }
  // Into the request. Throws ApiError{400}, with this field, for none and for too many.
  void take_into(ApiRequest& request, const char* field);

 private:
  nlohmann::ordered_json& assistant();
  void settle_reasoning();

  std::shared_ptr<nlohmann::ordered_json> messages_;
  std::string reasoning_;
};

// The request's system_text, where it has one, as the first of its messages.
void add_system_text(ApiRequest& request);

}  // namespace tinyllm
