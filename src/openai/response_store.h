#pragma once
// The conversations that ended in the latest answers of /v1/responses, so that a request goes on from
// one by its id. In memory and bounded: the least recently used go first. Any thread.

#include <cstddef>
#include <list>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <unordered_map>

#include "openai/api_request.h"

namespace tinyllm {

struct KeptResponse {
  std::string messages;     // the conversation with its answer, JSON text
  std::size_t n_input = 0;  // of these messages: those before the answer
  std::string response;     // the answer as it was given, JSON text
};

// Its messages as JSON again.
nlohmann::ordered_json read_conversation(const std::string& messages);

class ResponseStore {
 public:
  static constexpr std::size_t kMaxResponses = 1000;
  static constexpr std::size_t kMaxBytes = std::size_t{64} << 20;
  static constexpr std::size_t kMaxBytesOfOne = std::size_t{1} << 20;  // longer ones are not kept

  explicit ResponseStore(std::size_t max_responses = kMaxResponses,
                         std::size_t max_bytes = kMaxBytes)
      : max_responses_(max_responses), max_bytes_(max_bytes) {}

  // `owner`: who asked; nobody else finds it.
  void keep(const std::string& owner, const std::string& id, KeptResponse kept);
  // Empty: not kept (any more), or another owner's.
  std::optional<KeptResponse> find(const std::string& owner, const std::string& id);
  bool remove(const std::string& owner, const std::string& id);  // false: there is none

  // Puts the conversation that `request` goes on from before its messages. Throws ApiError{400}
  // where it is not kept (any more), or another owner's.
  void go_on(const std::string& owner, ApiRequest& request);

  std::size_t n_responses() const;

 private:
  struct Entry {
    std::string key;
    KeptResponse kept;
    std::size_t n_bytes() const { return key.size() + kept.messages.size() + kept.response.size(); }
  };

  void drop(std::list<Entry>::iterator entry);  // under the mutex

  std::size_t max_responses_, max_bytes_;
  mutable std::mutex mutex_;  // guards the rest
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
  std::size_t n_bytes_ = 0;
};

}  // namespace tinyllm
