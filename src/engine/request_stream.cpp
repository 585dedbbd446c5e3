#include "engine/request_stream.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tinyllm {

std::optional<OutputPiece> RequestStream::next(
    std::optional<std::chrono::steady_clock::time_point> deadline) {
  std::unique_lock lock(shared_.mutex);
  const auto ready = [&] { return !shared_.pieces.empty() || shared_.n_open == 0; };
  if (deadline) {
    if (!shared_.changed.wait_until(lock, *deadline, ready)) return std::nullopt;
  } else {
    shared_.changed.wait(lock, ready);
  }
  return take_locked();
}

std::optional<OutputPiece> RequestStream::try_next() {
  const std::scoped_lock lock(shared_.mutex);
  return take_locked();
}

std::optional<OutputPiece> RequestStream::take_locked() {
  if (shared_.pieces.empty()) return std::nullopt;
  OutputPiece piece = std::move(shared_.pieces.front());
  shared_.pieces.pop_front();
  if (piece.finish_reason != FinishReason::none) --shared_.n_open;
  return piece;
}

bool RequestStream::done() const {
  const std::scoped_lock lock(shared_.mutex);
  return shared_.n_open == 0;
}

void RequestStream::set_listener(const std::function<void()>& listener) {
  bool has_pieces = false;
  {
    const std::scoped_lock lock(shared_.mutex);
    shared_.listener = listener;
    has_pieces = !shared_.pieces.empty();
  }
  if (has_pieces) listener();
}

bool RequestStream::add(OutputPiece piece) {
  piece.time = std::chrono::steady_clock::now();
  if (piece.finish_reason != FinishReason::none)
    account_->end(piece.choice_idx, piece.finish_reason, piece.time);
  kept_back_.push_back(std::move(piece));
  return kept_back_.size() == 1;
}

void RequestStream::publish() {
  std::function<void()> listener;
  {
    const std::scoped_lock lock(shared_.mutex);
    if (shared_.pieces.empty()) listener = shared_.listener;
    std::ranges::move(kept_back_, std::back_inserter(shared_.pieces));
  }
  kept_back_.clear();
  shared_.changed.notify_all();
  if (listener) listener();
}

}  // namespace tinyllm
