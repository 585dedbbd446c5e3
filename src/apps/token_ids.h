#pragma once
// Lists of token ids as people and programs write them. Any thread.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tinyllm {

// Ids between spaces, commas or newlines, or a JSON array of them; none is fine. Throws
// Error{invalid_input} that names `source` and what is not an id of [0, vocab_size).
std::vector<std::int32_t> parse_token_ids(std::string_view text, const std::string& source,
                                          std::int64_t vocab_size);

// "1 2 3"
std::string format_token_ids(std::span<const std::int32_t> ids);

}  // namespace tinyllm
