#pragma once
// What became of a request, one TextAccount a choice. The engine thread writes, any thread reads; it
// outlives stream and engine.

#include <chrono>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "api/text_account.h"
#include "base/function_ref.h"

namespace tinyllm {

class RequestAccount {
 public:
  RequestAccount(int n_choices, std::int64_t n_prompt);

  int n_choices() const { return static_cast<int>(shared_.texts.size()); }
  std::chrono::steady_clock::time_point submitted() const { return submitted_; }
  TextAccount text(int choice_idx) const;
  // The same without a copy, of all choices at one time. Whoever sets or ends waits meanwhile.
  void read(function_ref<void(std::span<const TextAccount> texts)> look) const;

  // Allocates nothing. The time of submission and how it ended stay as they are here.
  void set(int choice_idx, const TextAccount& text);
  // The same for news that come again with the next step: waits for nobody, and does nothing where
  // another thread reads just now.
  void try_set(int choice_idx, const TextAccount& text);
  void end(int choice_idx, FinishReason reason, std::chrono::steady_clock::time_point now);

 private:
  void set_locked(int choice_idx, const TextAccount& text);  // under the mutex

  const std::chrono::steady_clock::time_point submitted_;
  struct Shared {
    mutable std::mutex mutex;  // guards the rest; the number of texts never changes
    std::vector<TextAccount> texts;
  } shared_;
};

}  // namespace tinyllm
