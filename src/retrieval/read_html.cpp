// HTML by gumbo, an HTML5 parser: the page as a tree, of which the text that people read is taken.

#include <gumbo.h>
#include <strings.h>

#include <algorithm>
#include <memory>
#include <span>

#include "base/error.h"
#include "retrieval/read_document.h"

namespace tinyllm {
namespace {

// gumbo takes a tree down by recursion, so a deeper page would end the program.
constexpr int kMaxDepth = 2'000;
// Items of lists, whose ends are often left out: then most of them do not lie in each other.
constexpr int kMaxOpenItems = 8'000;

struct FreeOutput {
  void operator()(GumboOutput* output) const {
    gumbo_destroy_output(&kGumboDefaultOptions, output);
  }
};

bool is_one_of(GumboTag tag, std::span<const GumboTag> tags) {
  return std::ranges::find(tags, tag) != tags.end();
}

// Elements that have no end, or that their like and the end of their parent close.
bool never_nests(GumboTag tag) {
  static constexpr GumboTag kTags[] = {
      GUMBO_TAG_P,     GUMBO_TAG_TR,     GUMBO_TAG_TD,   GUMBO_TAG_TH,   GUMBO_TAG_OPTION,
      GUMBO_TAG_BR,    GUMBO_TAG_HR,     GUMBO_TAG_IMG,  GUMBO_TAG_META, GUMBO_TAG_LINK,
      GUMBO_TAG_COL,   GUMBO_TAG_AREA,   GUMBO_TAG_WBR,  GUMBO_TAG_BASE, GUMBO_TAG_INPUT,
      GUMBO_TAG_EMBED, GUMBO_TAG_SOURCE, GUMBO_TAG_PARAM};
  return is_one_of(tag, kTags);
}

bool is_item(GumboTag tag) {
  static constexpr GumboTag kTags[] = {GUMBO_TAG_LI, GUMBO_TAG_DT, GUMBO_TAG_DD};
  return is_one_of(tag, kTags);
}

// The elements that may at most be open at once: others, and items.
struct Depth {
  int elements = 0, items = 0;
};

Depth depth_of(std::string_view text) {
  Depth now, most;
  for (std::size_t i = text.find('<'); i != text.npos; i = text.find('<', i + 1)) {
    const bool closes = i + 1 < text.size() && text[i + 1] == '/';
    const std::size_t begin = i + (closes ? 2 : 1);
    std::size_t end = begin;
    while (end < text.size() && end - begin < 20 &&
           std::isalnum(static_cast<unsigned char>(text[end])))
      ++end;
    if (end == begin) continue;
    const GumboTag tag = gumbo_tagn_enum(text.data() + begin, static_cast<unsigned>(end - begin));
    if (never_nests(tag)) continue;
    int& depth = is_item(tag) ? now.items : now.elements;
    depth = closes ? std::max(0, depth - 1) : depth + 1;
    most = {std::max(most.elements, now.elements), std::max(most.items, now.items)};
  }
  return most;
}

const char* attribute(const GumboElement& element, const char* name) {
  const GumboAttribute* found = gumbo_get_attribute(&element.attributes, name);
  return found == nullptr ? "" : found->value;
}

bool is_boilerplate(const GumboElement& element) {
  static constexpr GumboTag kTags[] = {
      GUMBO_TAG_SCRIPT, GUMBO_TAG_STYLE,    GUMBO_TAG_NAV,    GUMBO_TAG_HEADER, GUMBO_TAG_FOOTER,
      GUMBO_TAG_ASIDE,  GUMBO_TAG_FORM,     GUMBO_TAG_SVG,    GUMBO_TAG_IFRAME, GUMBO_TAG_NOSCRIPT,
      GUMBO_TAG_BUTTON, GUMBO_TAG_TEMPLATE, GUMBO_TAG_OBJECT, GUMBO_TAG_HEAD,   GUMBO_TAG_SELECT};
  if (is_one_of(element.tag, kTags)) return true;
  const std::string_view role = attribute(element, "role");
  return role == "navigation" || role == "banner" || role == "contentinfo" || role == "search" ||
         std::string_view(attribute(element, "aria-hidden")) == "true" ||
         gumbo_get_attribute(&element.attributes, "hidden") != nullptr;
}

int heading_level(GumboTag tag) {
  return tag >= GUMBO_TAG_H1 && tag <= GUMBO_TAG_H6 ? static_cast<int>(tag) - GUMBO_TAG_H1 + 1 : 0;
}

// Around these a paragraph ends.
bool is_paragraph(GumboTag tag) {
  static constexpr GumboTag kTags[] = {GUMBO_TAG_P,       GUMBO_TAG_DIV,       GUMBO_TAG_SECTION,
                                       GUMBO_TAG_ARTICLE, GUMBO_TAG_MAIN,      GUMBO_TAG_UL,
                                       GUMBO_TAG_OL,      GUMBO_TAG_DL,        GUMBO_TAG_TABLE,
                                       GUMBO_TAG_PRE,     GUMBO_TAG_FIGURE,    GUMBO_TAG_DETAILS,
                                       GUMBO_TAG_HR,      GUMBO_TAG_BODY,      GUMBO_TAG_CAPTION,
                                       GUMBO_TAG_ADDRESS, GUMBO_TAG_BLOCKQUOTE};
  return is_one_of(tag, kTags) || heading_level(tag) > 0;
}

// Before these a line ends.
bool is_row(GumboTag tag) {
  static constexpr GumboTag kTags[] = {GUMBO_TAG_LI, GUMBO_TAG_TR, GUMBO_TAG_DT, GUMBO_TAG_DD,
                                       GUMBO_TAG_BR};
  return is_one_of(tag, kTags);
}

std::span<const GumboNode* const> children(const GumboElement& element) {
  return {reinterpret_cast<const GumboNode* const*>(element.children.data),
          element.children.length};
}

// The first element that `fits`, in reading order.
template <typename Fits>
const GumboNode* find(const GumboNode* node, const Fits& fits) {
  if (node->type != GUMBO_NODE_ELEMENT) return nullptr;
  if (fits(node->v.element)) return node;
  for (const GumboNode* child : children(node->v.element))
    if (const GumboNode* found = find(child, fits)) return found;
  return nullptr;
}

int count_articles(const GumboNode* node) {
  if (node->type != GUMBO_NODE_ELEMENT) return 0;
  int n = node->v.element.tag == GUMBO_TAG_ARTICLE ? 1 : 0;
  for (const GumboNode* child : children(node->v.element)) n += count_articles(child);
  return n;
}

class PageReader {
 public:
  explicit PageReader(DocumentText& document) : document_(document) {}

  void read(const GumboNode* node) {
    if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE ||
        node->type == GUMBO_NODE_CDATA) {
      add(node->v.text.text, static_cast<int>(node->v.text.start_pos.line));
    } else if (node->type == GUMBO_NODE_ELEMENT && !is_boilerplate(node->v.element)) {
      read_element(node->v.element);
    }
  }

  void end_block(BlockKind kind = BlockKind::text, int level = 0) {
    while (!text_.empty() && (text_.back() == ' ' || text_.back() == '\n')) text_.pop_back();
    if (!text_.empty())
      document_.blocks.push_back(
          {.kind = kind, .level = level, .text = text_, .line = line_, .page = 0});
    text_.clear();
  }

 private:
  void read_element(const GumboElement& element) {
    const bool is_pre = element.tag == GUMBO_TAG_PRE;
    const int level = heading_level(element.tag);
    if (is_paragraph(element.tag)) end_block();
    if (is_row(element.tag)) end_row();
    if (element.tag == GUMBO_TAG_LI) pending_ = "- ";
    in_pre_ += is_pre;
    for (const GumboNode* child : children(element)) read(child);
    in_pre_ -= is_pre;
    if (element.tag == GUMBO_TAG_TD || element.tag == GUMBO_TAG_TH) add(" ", line_);
    if (!is_paragraph(element.tag)) return;
    end_block(is_pre ? BlockKind::code : level > 0 ? BlockKind::heading : BlockKind::text, level);
  }

  void end_row() {
    while (!text_.empty() && text_.back() == ' ') text_.pop_back();
    if (!text_.empty() && text_.back() != '\n') text_ += '\n';
  }

  // White space is one blank, but in <pre>.
  void add(std::string_view text, int line) {
    for (const char c : text) {
      const bool is_space = c == ' ' || c == '\n' || c == '\t';
      if (is_space && in_pre_ == 0) {
        if (!text_.empty() && text_.back() != ' ' && text_.back() != '\n') text_ += ' ';
      } else if (!text_.empty() || !is_space) {
        if (text_.empty()) line_ = line;
        text_ += pending_;
        pending_.clear();
        text_ += c;
      }
      line += c == '\n';
    }
  }

  DocumentText& document_;
  std::string text_;     // of the block that is being read
  std::string pending_;  // goes before the next character
  int line_ = 1;
  int in_pre_ = 0;
};

std::string title_of(const GumboNode* root) {
  const GumboNode* title =
      find(root, [](const GumboElement& element) { return element.tag == GUMBO_TAG_TITLE; });
  if (title == nullptr || title->v.element.children.length == 0) return "";
  const GumboNode* words = children(title->v.element).front();
  if (words->type != GUMBO_NODE_TEXT) return "";
  DocumentText holder;
  PageReader reader(holder);
  reader.read(words);
  reader.end_block();
  return holder.blocks.empty() ? "" : holder.blocks.front().text;
}

}  // namespace

DocumentText read_html(std::string_view text, const std::string& source) {
  const auto [depth, n_items] = depth_of(text);
  if (depth > kMaxDepth || n_items > kMaxOpenItems) {
    fail(ErrorCode::invalid_input,
         "{}: {} elements and {} items of lists are open at once, must be at most {} and {}",
         source, depth, n_items, kMaxDepth, kMaxOpenItems);
  }
  const std::unique_ptr<GumboOutput, FreeOutput> output(
      gumbo_parse_with_options(&kGumboDefaultOptions, text.data(), text.size()));
  const GumboNode* main = find(output->root, [](const GumboElement& element) {
    return element.tag == GUMBO_TAG_MAIN || strcasecmp(attribute(element, "role"), "main") == 0;
  });
  if (main == nullptr && count_articles(output->root) == 1) {
    main = find(output->root,
                [](const GumboElement& element) { return element.tag == GUMBO_TAG_ARTICLE; });
  }
  DocumentText document;
  document.title = title_of(output->root);
  PageReader reader(document);
  reader.read(main == nullptr ? output->root : main);
  reader.end_block();
  return document;
}

}  // namespace tinyllm
