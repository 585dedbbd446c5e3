#include "model_store/hub_status.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace tinyllm {
namespace {

// What the hub says about an error, in its header or its JSON; may be empty.
std::string hub_words(const HttpHead& head, const std::string& body) {
  std::string words = head.header("x-error-message");
  if (words.empty()) {
    const auto answer = nlohmann::json::parse(body, nullptr, false);
    if (answer.is_object() && answer.contains("error") && answer["error"].is_string()) {
      words = answer["error"].get<std::string>();
    }
  }
  std::erase_if(words, [](unsigned char c) { return c < 0x20 || c == 0x7F; });  // one line
  constexpr std::size_t kLongest = 200;
  if (words.size() > kLongest) words.resize(kLongest);
  return words.empty() ? "" : " (" + words + ")";
}

}  // namespace

void fail_status(const HubAccess& access, const std::string& what, const HttpHead& head,
                 const std::string& body) {
  const std::string words = hub_words(head, body);
  const std::string& hub = access.endpoint;
  switch (head.status) {
    case 401:
    case 403:
      if (access.token.empty()) {
        fail(ErrorCode::network,
             "{}: {} wants a login{}: the model does not exist, is private, or its terms must be "
             "accepted on its page; set HF_TOKEN",
             what, hub, words);
      }
      fail(ErrorCode::network,
           "{}: {} does not let this HF_TOKEN in{}; see whether the token is right and the model's "
           "terms are accepted on its page",
           what, hub, words);
    case 404: fail(ErrorCode::not_found, "{}: not found at {}{}", what, hub, words);
    case 429: {
      const std::string wait = head.header("retry-after");
      fail(ErrorCode::network, "{}: {} says that there were too many requests{}; try again {}",
           what, hub, words, wait.empty() ? "later" : "in " + wait + " s");
    }
    default: break;
  }
  if (head.status >= 500) {
    fail(ErrorCode::network, "{}: {} has a problem of its own (status {}){}; try again later", what,
         hub, head.status, words);
  }
  fail(ErrorCode::network, "{}: {} answers with status {}{}", what, hub, head.status, words);
}

}  // namespace tinyllm
