#include "client/read_stream.h"

#include <chrono>
#include <utility>

#include "base/error.h"

namespace tinyllm {
namespace {

constexpr std::chrono::milliseconds kPatience{50};  // between two questions to `interrupted`

void hand_on(OutputPiece&& piece, function_ref<void(OutputPiece&& piece)> take) {
  if (piece.finish_reason == FinishReason::error)
    throw Error(ErrorCode::invalid_input, piece.error);
  take(std::move(piece));
}

}  // namespace

void read_stream(RequestStream& stream, function_ref<void(OutputPiece&& piece)> take) {
  while (std::optional<OutputPiece> piece = stream.next()) hand_on(*std::move(piece), take);
}

void read_stream(Engine& engine, const std::shared_ptr<RequestStream>& stream,
                 function_ref<void(OutputPiece&& piece)> take, function_ref<bool()> interrupted) {
  bool cancelled = false;
  while (!stream->done()) {
    auto piece = stream->next(std::chrono::steady_clock::now() + kPatience);
    if (piece) hand_on(*std::move(piece), take);
    if (!cancelled && interrupted()) {
      engine.cancel(stream);
      cancelled = true;
    }
  }
}

}  // namespace tinyllm
