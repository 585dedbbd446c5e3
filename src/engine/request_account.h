#pragma once
// What became of a request, one TextAccount a choice. The engine thread writes, any thread reads; it
// outlives stream and engine.

#include <chrono>
#include <cstdint>
#include <mutex>
#include <vector>

#include "api/text_account.h"

namespace tinyllm {

class RequestAccount {
 public:
  RequestAccount(int n_choices, std::int64_t n_prompt);

  int n_choices() const { return static_cast<int>(shared_.texts.size()); }
  TextAccount text(int choice_idx) const;

  // Allocates nothing. The time of submission and how it ended stay as they are here.
  void set(int choice_idx, const TextAccount& text);
  void end(int choice_idx, FinishReason reason, std::chrono::steady_clock::time_point now);

 private:
  struct Shared {
    mutable std::mutex mutex;  // guards the rest; the number of texts never changes
    std::vector<TextAccount> texts;
  } shared_;
};

}  // namespace tinyllm
