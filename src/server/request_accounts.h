#pragma once
// What became of the latest requests, for GET /requests/{id}/why. In memory and bounded: the oldest go
// first. Numbers only; of texts a token each. Any thread.

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/request_account.h"

namespace tinyllm {

struct ServedModel;

struct KeptAccounts {
  std::string owner = {};                       // who asked; nobody else finds it
  std::string request_id = {}, answer_id = {};  // X-Request-Id, and the answer's own
  const ServedModel* model = nullptr;
  // Only who asked could have made the texts that the prompt was compared with: see
  // Service::tells_gap(). Otherwise where they differ would tell what others wrote, one token after
  // the other, and no token is told at all: who guesses the id of a request may ask.
  bool tells_gap = false;
  // One a prompt; where tools run, one a message of the model.
  std::vector<std::shared_ptr<const RequestAccount>> accounts = {};
};

class RequestAccounts {
 public:
  static constexpr std::size_t kMaxRequests = 1000;
  static constexpr std::size_t kMaxTexts = 16384;  // of all of them

  explicit RequestAccounts(std::size_t max_requests = kMaxRequests,
                           std::size_t max_texts = kMaxTexts)
      : max_requests_(max_requests), max_texts_(max_texts) {}

  // What is kept under the same answer's id already gets the accounts besides.
  void keep(KeptAccounts kept);
  // By one of its ids, the latest first. Empty: not kept (any more), or another owner's.
  std::optional<KeptAccounts> find(const std::string& owner, const std::string& id) const;

 private:
  void drop_oldest();  // under the mutex

  const std::size_t max_requests_, max_texts_;
  mutable std::mutex mutex_;         // guards the rest
  std::deque<KeptAccounts> latest_;  // the oldest first
  std::size_t n_texts_ = 0;
};

}  // namespace tinyllm
