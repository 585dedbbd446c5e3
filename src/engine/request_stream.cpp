#include "engine/request_stream.h"

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

void RequestStream::push(OutputPiece piece) {
  piece.time = std::chrono::steady_clock::now();
  std::function<void()> listener;
  {
    const std::scoped_lock lock(shared_.mutex);
    if (shared_.pieces.empty()) listener = shared_.listener;
    shared_.pieces.push_back(std::move(piece));
  }
  shared_.changed.notify_all();
  if (listener) listener();
}

}  // namespace tinyllm
