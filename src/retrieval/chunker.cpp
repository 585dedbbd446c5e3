#include "retrieval/chunker.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "retrieval/sentences.h"

namespace tinyllm {
namespace {

// A piece that is longer is cut whatever it counts: WordPiece takes any long word as one token.
constexpr std::size_t kMaxPieceBytes = 4096;

using CountTokens = function_ref<std::int64_t(std::string_view)>;

// What is never cut further.
struct Piece {
  std::string_view text;
  int line;
  std::int64_t n_tokens;
};

std::string_view without_space_behind(std::string_view text) {
  return text.substr(0, text.find_last_not_of(" \t\n") + 1);
}

int count_lines(std::string_view text) { return static_cast<int>(std::ranges::count(text, '\n')); }

class Chunker {
 public:
  Chunker(std::int64_t max_tokens, CountTokens count) : max_tokens_(max_tokens), count_(count) {}

  void begin(const std::string& title) {
    path_[0] = title;
    set_heading();
  }

  void add(const Block& block) {
    if (block.kind == BlockKind::heading) {
      begin_section(block);
      return;
    }
    if (block.page != last_page_) begin_page();
    std::vector<Piece> pieces;
    cut(block, pieces);
    std::int64_t n_tokens = 0;
    for (const Piece& piece : pieces) n_tokens += piece.n_tokens;
    if (n_tokens_ + n_tokens > room_ && has_news_) end_chunk();
    if (n_tokens_ + n_tokens > room_ && n_tokens <= room_) drop_overlap();
    bool is_first = true;
    for (const Piece& piece : pieces) {
      if (n_tokens_ + piece.n_tokens > room_ && has_news_) end_chunk();
      if (n_tokens_ + piece.n_tokens > room_) drop_overlap();
      append(piece, block, is_first);
      is_first = false;
    }
  }

  std::vector<Chunk> take() {
    end_chunk();
    return std::move(chunks_);
  }

 private:
  void begin_section(const Block& heading) {
    end_chunk();
    drop_overlap();
    path_[static_cast<std::size_t>(heading.level)] = heading.text;
    for (auto level = static_cast<std::size_t>(heading.level) + 1; level < path_.size(); ++level)
      path_[level].clear();
    set_heading();
  }

  // A chunk is of one page, so that its lines and its place say where it stands.
  void begin_page() {
    end_chunk();
    drop_overlap();
  }

  // The path's last headings, as far as they take at most a quarter of the tokens.
  void set_heading() {
    std::string heading;
    for (std::size_t level = path_.size(); level-- > 0;) {
      if (path_[level].empty() || path_[level] == heading) continue;
      std::string longer = path_[level] + (heading.empty() ? "" : " > ") + heading;
      if (count_(longer) > max_tokens_ / 4) break;
      heading = std::move(longer);
    }
    chunk_.heading = std::move(heading);
    room_ = max_tokens_ - count_(chunk_.heading);
  }

  void cut(const Block& block, std::vector<Piece>& pieces) {
    int line = block.line;
    for (const std::string_view part :
         block.kind == BlockKind::code ? lines_of(block.text) : sentences(block.text)) {
      cut_long(part, line, pieces);
      line += count_lines(part);
    }
  }

  void cut_long(std::string_view text, int line, std::vector<Piece>& pieces) {
    if (text.size() <= kMaxPieceBytes || text.size() < 2) {
      const std::int64_t n_tokens = count_(text);
      // A single character may be more tokens than there is room for only with absurd limits.
      if (n_tokens <= room_ || text.size() < 2) {
        pieces.push_back({text, line, n_tokens});
        return;
      }
    }
    const std::size_t middle = middle_of(text);
    cut_long(text.substr(0, middle), line, pieces);
    cut_long(text.substr(middle), line + count_lines(text.substr(0, middle)), pieces);
  }

  void append(const Piece& piece, const Block& block, bool begins_block) {
    if (chunk_.text.empty()) {
      chunk_.first_line = piece.line;
      chunk_.page = block.page;
    } else if (begins_block) {
      chunk_.text += "\n\n";
    }
    if (!has_news_) chunk_.n_overlap = chunk_.text.size();
    chunk_.text += piece.text;
    n_tokens_ += piece.n_tokens;
    chunk_.last_line = piece.line + count_lines(without_space_behind(piece.text));
    has_news_ = true;
    last_ = piece;
    last_page_ = block.page;
    last_is_sentence_ = block.kind == BlockKind::text;
  }

  void drop_overlap() {
    if (has_news_) return;
    chunk_.text.clear();
    chunk_.n_overlap = 0;
    n_tokens_ = 0;
  }

  // Keeps what came, and begins the next with its last sentence.
  void end_chunk() {
    if (!has_news_) return;
    const std::string heading = chunk_.heading;
    const std::string overlap(last_.text);
    chunk_.text.resize(without_space_behind(chunk_.text).size());
    chunk_.n_tokens = count_(titled_text(chunk_));
    if (!chunk_.text.empty()) chunks_.push_back(std::move(chunk_));
    chunk_ = {};
    chunk_.heading = heading;
    n_tokens_ = 0;
    has_news_ = false;
    if (!last_is_sentence_ || last_.n_tokens > max_tokens_ / 8) return;
    chunk_.text = overlap;
    chunk_.n_overlap = overlap.size();
    chunk_.first_line = last_.line;
    chunk_.page = last_page_;
    n_tokens_ = last_.n_tokens;
  }

  std::int64_t max_tokens_;
  CountTokens count_;
  std::array<std::string, 7> path_;  // [0] the title, then a heading a level
  std::int64_t room_ = 0;            // tokens for the text under the heading
  Chunk chunk_;                      // in the making
  std::int64_t n_tokens_ = 0;        // of its text
  bool has_news_ = false;            // more than the overlap is in it
  Piece last_ = {};                  // that was appended; of the block being read
  int last_page_ = 0;
  bool last_is_sentence_ = false;
  std::vector<Chunk> chunks_;
};

}  // namespace

std::string titled_text(const Chunk& chunk) {
  return chunk.heading.empty() ? chunk.text : chunk.heading + "\n" + chunk.text;
}

std::vector<Chunk> chunk_document(const DocumentText& document, std::int64_t max_tokens,
                                  function_ref<std::int64_t(std::string_view)> count) {
  CHECK(max_tokens >= 16, "chunks of {} tokens", max_tokens);
  Chunker chunker(max_tokens, count);
  chunker.begin(document.title);
  for (const Block& block : document.blocks) chunker.add(block);
  return chunker.take();
}

}  // namespace tinyllm
