#pragma once
// What an embedding model reads of a chunk. A vector of a whole chunk is the mean of all that it
// speaks of, and a question asks for one thing of it. So a chunk has a vector for each of its
// windows, and is as near to a question as its nearest window. Pure functions; any thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "retrieval/chunker.h"

namespace tinyllm {

// Tokens of a window's text, without the heading: three or four sentences.
constexpr std::int64_t kWindowTokens = 96;

// At least one window: whole sentences (of what has none, lines) of at most kWindowTokens tokens
// together, or a single longer one, under the chunk's heading. All of the chunk's text is in them,
// and each but the first begins with the last two sentences of the one before, where they leave
// room for another one.
std::vector<std::string> embedding_windows(const Chunk& chunk,
                                           function_ref<std::int64_t(std::string_view)> count);

}  // namespace tinyllm
