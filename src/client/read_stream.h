#pragma once
// The one loop that waits for what the engine makes of a request. Any thread but the engine's. A
// caller that must not wait takes the pieces itself (RequestStream::try_next).

#include <memory>

#include "base/function_ref.h"
#include "engine/engine.h"

namespace tinyllm {

// Calls `take` with every piece in order until each choice has ended. Throws
// Error{invalid_input} with the engine's words when a choice ends in an error.
void read_stream(RequestStream& stream, function_ref<void(OutputPiece&& piece)> take);

// The same for an answer that somebody may stop. `interrupted` is asked between the pieces, and at
// least every 50 ms. Once it says true the request is cancelled, and what is left of it is read.
void read_stream(Engine& engine, const std::shared_ptr<RequestStream>& stream,
                 function_ref<void(OutputPiece&& piece)> take, function_ref<bool()> interrupted);

}  // namespace tinyllm
