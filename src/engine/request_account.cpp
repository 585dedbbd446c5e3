#include "engine/request_account.h"

namespace tinyllm {

RequestAccount::RequestAccount(int n_choices, std::int64_t n_prompt)
    : submitted_(std::chrono::steady_clock::now()) {
  TextAccount text;
  text.submitted = submitted_;
  text.n_prompt = n_prompt;
  shared_.texts.assign(static_cast<std::size_t>(n_choices), text);
}

TextAccount RequestAccount::text(int choice_idx) const {
  const std::scoped_lock lock(shared_.mutex);
  return shared_.texts[static_cast<std::size_t>(choice_idx)];
}

void RequestAccount::read(function_ref<void(std::span<const TextAccount> texts)> look) const {
  const std::scoped_lock lock(shared_.mutex);
  look(shared_.texts);
}

void RequestAccount::set(int choice_idx, const TextAccount& text) {
  const std::scoped_lock lock(shared_.mutex);
  set_locked(choice_idx, text);
}

void RequestAccount::try_set(int choice_idx, const TextAccount& text) {
  const std::unique_lock lock(shared_.mutex, std::try_to_lock);
  if (lock.owns_lock()) set_locked(choice_idx, text);
}

void RequestAccount::set_locked(int choice_idx, const TextAccount& text) {
  TextAccount& kept = shared_.texts[static_cast<std::size_t>(choice_idx)];
  const TextAccount before = kept;
  kept = text;
  kept.submitted = before.submitted;
  kept.n_prompt = before.n_prompt;
  kept.finish_reason = before.finish_reason;
  kept.total_s = before.total_s;
}

void RequestAccount::end(int choice_idx, FinishReason reason,
                         std::chrono::steady_clock::time_point now) {
  const std::scoped_lock lock(shared_.mutex);
  TextAccount& text = shared_.texts[static_cast<std::size_t>(choice_idx)];
  text.finish_reason = reason;
  text.total_s = std::chrono::duration<double>(now - text.submitted).count();
}

}  // namespace tinyllm
