#pragma once
// Where a text may be cut. Pure functions; any thread.

#include <cstddef>
#include <string_view>
#include <vector>

namespace tinyllm {

// `text` in pieces that together are it: each ends behind a sentence and the white space that
// follows, before a line that begins an item or a row, or at an empty line. None is empty.
std::vector<std::string_view> sentences(std::string_view text);

// The same by lines.
std::vector<std::string_view> lines_of(std::string_view text);

// Where to cut a text of two bytes or more near its middle: behind white space if there is some,
// else between two characters. In (0, text.size()).
std::size_t middle_of(std::string_view text);

}  // namespace tinyllm
