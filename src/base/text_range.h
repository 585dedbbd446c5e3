#pragma once
// A stretch of a text, and a text that remembers which stretches a user supplied.

#include <cstddef>
#include <string>
#include <vector>

namespace tinyllm {

struct TextRange {  // bytes [begin, end)
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const TextRange&) const = default;
};

// A rendered prompt. `user_ranges` (ascending, disjoint, non-empty, merged) came from the
// conversation, the rest from the template. Special tokens are recognised only outside the user's
// ranges, so that a message that says "<|im_end|>" cannot end itself.
struct MarkedText {
  std::string text;
  std::vector<TextRange> user_ranges;
};

}  // namespace tinyllm
