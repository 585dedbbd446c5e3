#include "retrieval/embedding_windows.h"

#include <algorithm>

#include "retrieval/sentences.h"

namespace tinyllm {
namespace {

constexpr std::size_t kRepeated = 2;  // sentences

struct Piece {
  std::string_view text;
  std::int64_t n_tokens;
};

using CountTokens = function_ref<std::int64_t(std::string_view)>;

std::vector<Piece> pieces_of(std::string_view text, CountTokens count) {
  std::vector<Piece> pieces;
  for (const std::string_view sentence : sentences(text)) {
    const std::int64_t n_tokens = count(sentence);
    if (n_tokens <= kWindowTokens) {
      pieces.push_back({sentence, n_tokens});
      continue;
    }
    for (const std::string_view line : lines_of(sentence)) pieces.push_back({line, count(line)});
  }
  return pieces;
}

// Where the window that begins with piece `begin` ends: behind one piece at least.
std::size_t end_of_window(const std::vector<Piece>& pieces, std::size_t begin) {
  std::int64_t n_tokens = 0;
  std::size_t end = begin;
  while (end < pieces.size() && (end == begin || n_tokens + pieces[end].n_tokens <= kWindowTokens))
    n_tokens += pieces[end++].n_tokens;
  return end;
}

// Where the next window begins: as early as kRepeated allows, but so that it holds piece `end`.
std::size_t begin_of_next(const std::vector<Piece>& pieces, std::size_t begin, std::size_t end) {
  std::size_t next = std::max(begin + 1, end - std::min(kRepeated, end));
  while (next < end && end_of_window(pieces, next) <= end) ++next;
  return next;
}

}  // namespace

std::vector<std::string> embedding_windows(const Chunk& chunk, CountTokens count) {
  const std::vector<Piece> pieces = pieces_of(chunk.text, count);
  const std::string head = chunk.heading.empty() ? "" : chunk.heading + "\n";
  std::vector<std::string> windows;
  for (std::size_t begin = 0; begin < pieces.size();) {
    const std::size_t end = end_of_window(pieces, begin);
    const char* first = pieces[begin].text.data();
    windows.emplace_back(head).append(
        first, pieces[end - 1].text.data() + pieces[end - 1].text.size() - first);
    if (end == pieces.size()) break;
    begin = begin_of_next(pieces, begin, end);
  }
  if (windows.empty()) windows.push_back(head + chunk.text);
  return windows;
}

}  // namespace tinyllm
