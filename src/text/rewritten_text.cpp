#include "text/rewritten_text.h"

#include <algorithm>

#include "base/utf8.h"

namespace tinyllm {

void RewrittenText::append_copy(std::string_view old_text) {
  if (old_text.empty()) return;
  text += old_text;
  if (pieces.empty() || !pieces.back().is_copy) pieces.push_back({0, 0, true});
  pieces.back().n_old += old_text.size();
  pieces.back().n_new += old_text.size();
}

void RewrittenText::append_changed(std::size_t n_old, std::string_view new_text) {
  text += new_text;
  pieces.push_back({n_old, new_text.size(), false});
}

std::vector<TextRange> RewrittenText::new_ranges(const std::vector<TextRange>& old_ranges) const {
  std::vector<TextRange> result;
  std::size_t old_begin = 0, new_begin = 0;  // of the piece at `piece`
  auto piece = pieces.begin();
  const auto go_to_piece_of = [&](std::size_t old_byte) {
    while (piece != pieces.end() && old_begin + piece->n_old <= old_byte) {
      old_begin += piece->n_old;
      new_begin += piece->n_new;
      ++piece;
    }
    return piece != pieces.end();
  };
  for (const TextRange& range : old_ranges) {
    if (range.begin >= range.end || !go_to_piece_of(range.begin)) continue;
    TextRange moved;
    moved.begin = new_begin + (piece->is_copy ? range.begin - old_begin : 0);
    if (go_to_piece_of(range.end - 1)) {
      moved.end = new_begin + (piece->is_copy ? range.end - old_begin : piece->n_new);
    } else {
      moved.end = text.size();
    }
    if (!result.empty() && moved.begin < result.back().end) {
      result.back().end = std::max(result.back().end, moved.end);
    } else {
      result.push_back(moved);
    }
  }
  return result;
}

RewrittenText rewrite_ill_formed(std::string_view text) {
  std::string replacement;
  append_utf8(replacement, kReplacementCharacter);
  RewrittenText out;
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text.substr(i));
    const std::size_t n_bytes = c.n_bytes;
    if (!c.well_formed) {
      out.append_copy(text.substr(copied, i - copied));
      out.append_changed(n_bytes, replacement);
      copied = i + n_bytes;
    }
    i += n_bytes;
  }
  out.append_copy(text.substr(copied));
  return out;
}

}  // namespace tinyllm
