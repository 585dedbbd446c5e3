// Markdown by cmark-gfm: its tree says where blocks begin and end, the text is taken from the source.

#include <cmark-gfm.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "retrieval/read_document.h"

namespace tinyllm {
namespace {

struct FreeNode {
  void operator()(cmark_node* node) const { cmark_node_free(node); }
};
struct FreeParser {
  void operator()(cmark_parser* parser) const { cmark_parser_free(parser); }
};
using Tree = std::unique_ptr<cmark_node, FreeNode>;

// Stands in place of a "<" that cmark must not look behind.
constexpr char kPlainLess = '\x02';

bool begins_line(std::string_view text, std::size_t at) {
  const std::size_t before = text.substr(0, at).find_last_not_of(' ');
  const bool is_first = before == text.npos || text[before] == '\n';
  return is_first && at - (before == text.npos ? 0 : before + 1) < 4;
}

// "<?" and "<!" within a line that does not end them: at each of them cmark would read all the rest
// of the paragraph. At the beginning of a line they begin a block, which is read once.
std::string without_open_marks(std::string_view text) {
  std::string plain(text);
  std::size_t instruction_end = text.npos, comment_end = text.npos, data_end = text.npos,
              declaration_end = text.npos;  // the next in this line
  for (std::size_t i = text.size(); i-- > 0;) {
    const std::string_view rest = text.substr(i);
    if (rest.starts_with('\n'))
      instruction_end = comment_end = data_end = declaration_end = text.npos;
    if (rest.starts_with("?>")) instruction_end = i;
    if (rest.starts_with("-->")) comment_end = i;
    if (rest.starts_with("]]>")) data_end = i;
    if (rest.starts_with(">")) declaration_end = i;
    const std::size_t end = rest.starts_with("<?")          ? instruction_end
                            : rest.starts_with("<!--")      ? comment_end
                            : rest.starts_with("<![CDATA[") ? data_end
                            : rest.starts_with("<!")        ? declaration_end
                                                            : 0;
    if (end == text.npos && !begins_line(text, i)) plain[i] = kPlainLess;
  }
  return plain;
}

// Without the extension for tables: a table is a paragraph then, of the same lines, and its cells,
// of which a small file can have millions, are no nodes.
Tree parse(std::string_view text) {
  const std::unique_ptr<cmark_parser, FreeParser> parser(cmark_parser_new(CMARK_OPT_DEFAULT));
  const std::string plain = without_open_marks(text);
  cmark_parser_feed(parser.get(), plain.data(), plain.size());
  return Tree(cmark_parser_finish(parser.get()));
}

// Where the lines begin; one past the last at the end.
std::vector<std::size_t> line_starts(std::string_view text) {
  std::vector<std::size_t> starts = {0};
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n') starts.push_back(i + 1);
  if (starts.back() != text.size()) starts.push_back(text.size());
  return starts;
}

std::string trimmed(std::string_view text) {
  const std::size_t end = text.find_last_not_of(" \t\n");
  if (end == text.npos) return "";
  text = text.substr(0, end + 1);
  // Blank lines before it go, the indentation of its first line stays.
  while (true) {
    const std::size_t row_end = text.find('\n');
    if (row_end == text.npos || text.substr(0, row_end).find_first_not_of(" \t") != text.npos)
      return std::string(text);
    text.remove_prefix(row_end + 1);
  }
}

std::string heading_text(cmark_node* heading) {
  char* plain = cmark_render_plaintext(heading, CMARK_OPT_DEFAULT, 0);
  std::string text = trimmed(plain);
  std::free(plain);  // NOLINT: cmark allocates with malloc
  std::ranges::replace(text, '\n', ' ');
  std::ranges::replace(text, kPlainLess, '<');
  return text;
}

// Lines of YAML between "---" at the very beginning, the first of them "key:"; 0: none. Others stand
// between two rules.
std::size_t front_matter_bytes(std::string_view text) {
  if (!text.starts_with("---\n")) return 0;
  const std::size_t key_end = text.find_first_of(": \t\n#", 4);
  if (key_end == text.npos || key_end == 4 || text[key_end] != ':') return 0;
  const std::size_t end = text.find("\n---\n", 3);
  return end == text.npos ? 0 : end + 5;
}

bool is_comment(std::string_view text) {
  return text.starts_with("<!--") && text.find("-->") == text.size() - 3;
}

}  // namespace

DocumentText read_markdown(std::string_view text) {
  const std::size_t n_front = front_matter_bytes(text);
  const int n_front_lines = static_cast<int>(std::ranges::count(text.substr(0, n_front), '\n'));
  text.remove_prefix(n_front);
  const Tree tree = parse(text);
  const std::vector<std::size_t> starts = line_starts(text);
  const int n_lines = static_cast<int>(starts.size()) - 1;
  DocumentText document;
  for (cmark_node* node = cmark_node_first_child(tree.get()); node != nullptr;
       node = cmark_node_next(node)) {
    const cmark_node_type type = cmark_node_get_type(node);
    if (type == CMARK_NODE_THEMATIC_BREAK) continue;
    const int first = std::clamp(cmark_node_get_start_line(node), 1, std::max(1, n_lines));
    const int last = std::clamp(cmark_node_get_end_line(node), first, std::max(first, n_lines));
    Block block{
        .kind = BlockKind::text, .level = 0, .text = {}, .line = first + n_front_lines, .page = 0};
    if (type == CMARK_NODE_HEADING) {
      block.kind = BlockKind::heading;
      block.level = cmark_node_get_heading_level(node);
      block.text = heading_text(node);
    } else if (n_lines > 0) {
      block.kind = type == CMARK_NODE_CODE_BLOCK ? BlockKind::code : BlockKind::text;
      block.text = trimmed(text.substr(starts[first - 1], starts[last] - starts[first - 1]));
    }
    if (block.text.empty() || (type == CMARK_NODE_HTML_BLOCK && is_comment(block.text))) continue;
    document.blocks.push_back(std::move(block));
  }
  return document;
}

}  // namespace tinyllm
