#pragma once
// A text that was made from another one, and which of its bytes came from where. Any thread.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_range.h"

namespace tinyllm {

struct RewrittenText {
  // `n_old` bytes of the old text became `n_new` bytes of the new one.
  struct Piece {
    std::size_t n_old = 0, n_new = 0;
    bool is_copy = true;  // byte by byte the same
  };

  std::string text;
  std::vector<Piece> pieces;  // in order, cover both texts, copies joined

  void append_copy(std::string_view old_text);
  void append_changed(std::size_t n_old, std::string_view new_text);

  // The ranges of the old text in the new one, both ascending and disjoint. A range that takes a
  // part of a changed piece takes all of it.
  std::vector<TextRange> new_ranges(const std::vector<TextRange>& old_ranges) const;
};

// Every ill-formed part of `text` becomes U+FFFD, as Python's decode(errors="replace") does it.
RewrittenText rewrite_ill_formed(std::string_view text);

}  // namespace tinyllm
