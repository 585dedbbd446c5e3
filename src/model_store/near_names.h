#pragma once
// "Did you mean ...": the names that are nearest to a mistyped one. Any thread.

#include <string>
#include <string_view>
#include <vector>

namespace tinyllm {

// ASCII only: model names are ASCII.
std::string lower_case(std::string_view text);

// At most `limit` of `names`, nearest first, each once: those that contain `wanted` (or are contained in it),
// and those at an edit distance of at most a third of its length. Case does not matter.
std::vector<std::string> near_names(std::string_view wanted, const std::vector<std::string>& names,
                                    std::size_t limit = 3);

}  // namespace tinyllm
