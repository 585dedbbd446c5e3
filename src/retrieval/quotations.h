#pragma once
// Where a text in Markdown quotes. Pure functions; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "base/text_range.h"

namespace tinyllm {

// The text with every byte of code (fenced blocks, spans) but line feeds as "x": as long as before.
std::string mask_code(std::string_view text);

// What stands in "...", “...”, „...“, «...», ‹...›, 「...」 or 『...』 within one paragraph, without
// the marks; ascending. A straight mark opens behind a blank or bracket and closes before none of a
// word: 3.5" is no quotation.
std::vector<TextRange> find_quotations(std::string_view text);

}  // namespace tinyllm
