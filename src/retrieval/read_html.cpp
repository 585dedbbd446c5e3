// HTML by gumbo, an HTML5 parser: the page as a tree, of which the text that people read is taken.

#include <gumbo.h>
#include <strings.h>

#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <new>
#include <span>
#include <utility>

#include "base/error.h"
#include "retrieval/read_document.h"

namespace tinyllm {
namespace {

// Memory that gumbo may hold for a page of this many bytes: a small page can ask for gigabytes, as an
// element that formats text and is left open is made again in every paragraph.
constexpr std::size_t max_memory(std::size_t n_bytes) {
  return std::min((std::size_t{32} << 20) + 128 * n_bytes, std::size_t{1} << 30);
}

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// gumbo's memory: all of it is freed at the end, so that no tree has to be taken down by recursion.
// gumbo knows no failure; where the page costs too much, its frames, which are C, are jumped over.
class PageMemory {
 public:
  PageMemory(std::size_t max_bytes, double max_seconds)
      : max_bytes_(max_bytes), end_seconds_(thread_seconds() + max_seconds) {}
  ~PageMemory() {
    while (first_ != nullptr) std::free(std::exchange(first_, first_->next));  // NOLINT: malloc's
  }
  PageMemory(const PageMemory&) = delete;
  PageMemory& operator=(const PageMemory&) = delete;

  // nullptr: the page costs more memory or time than it may.
  GumboOutput* parse(std::string_view text) {
    GumboOptions options = kGumboDefaultOptions;
    options.allocator = [](void* memory, std::size_t n) {
      return static_cast<PageMemory*>(memory)->allocate(n);
    };
    options.deallocator = [](void* memory, void* pointer) {
      static_cast<PageMemory*>(memory)->release(pointer);
    };
    options.userdata = this;
    options.max_errors = 0;                     // an error holds a copy of all open elements
    if (setjmp(give_up_) != 0) return nullptr;  // NOLINT(cert-err52-cpp)
    return gumbo_parse_with_options(&options, text.data(), text.size());
  }

 private:
  struct alignas(std::max_align_t) Piece {
    Piece *before, *next;
    std::size_t n_bytes;
  };

  void* allocate(std::size_t n) {
    n_bytes_ += n + sizeof(Piece);
    const bool is_late = ++n_calls_ % 256 == 1 && thread_seconds() >= end_seconds_;
    void* memory = n_bytes_ > max_bytes_ || is_late ? nullptr : std::malloc(n + sizeof(Piece));
    if (memory == nullptr) std::longjmp(give_up_, 1);  // NOLINT(cert-err52-cpp)
    auto* piece = ::new (memory) Piece{nullptr, first_, n + sizeof(Piece)};
    if (first_ != nullptr) first_->before = piece;
    first_ = piece;
    return piece + 1;
  }

  void release(void* pointer) {
    if (pointer == nullptr) return;
    Piece* piece = static_cast<Piece*>(pointer) - 1;
    (piece->before == nullptr ? first_ : piece->before->next) = piece->next;
    if (piece->next != nullptr) piece->next->before = piece->before;
    n_bytes_ -= piece->n_bytes;
    std::free(piece);  // NOLINT: malloc's
  }

  std::size_t max_bytes_, n_bytes_ = 0, n_calls_ = 0;
  double end_seconds_;
  Piece* first_ = nullptr;
  std::jmp_buf give_up_{};
};

bool is_one_of(GumboTag tag, std::span<const GumboTag> tags) {
  return std::ranges::find(tags, tag) != tags.end();
}

const char* attribute(const GumboElement& element, const char* name) {
  const GumboAttribute* found = gumbo_get_attribute(&element.attributes, name);
  return found == nullptr ? "" : found->value;
}

// In these a <header> is that of a text, not of the site (HTML, 4.3.8).
bool is_section(GumboTag tag) {
  static constexpr GumboTag kTags[] = {GUMBO_TAG_ARTICLE, GUMBO_TAG_MAIN, GUMBO_TAG_SECTION};
  return is_one_of(tag, kTags);
}

bool is_boilerplate(const GumboElement& element, bool in_section) {
  static constexpr GumboTag kTags[] = {
      GUMBO_TAG_SCRIPT, GUMBO_TAG_STYLE,  GUMBO_TAG_NAV,      GUMBO_TAG_FOOTER, GUMBO_TAG_ASIDE,
      GUMBO_TAG_FORM,   GUMBO_TAG_SVG,    GUMBO_TAG_IFRAME,   GUMBO_TAG_BUTTON, GUMBO_TAG_NOSCRIPT,
      GUMBO_TAG_OBJECT, GUMBO_TAG_SELECT, GUMBO_TAG_TEMPLATE, GUMBO_TAG_HEAD};
  if (is_one_of(element.tag, kTags)) return true;
  if (element.tag == GUMBO_TAG_HEADER && !in_section) return true;
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

// Of the deepest element. By a list, not by recursion, as it says whether recursion is safe.
int depth_of(const GumboNode* root) {
  int deepest = 0;
  std::vector<std::pair<const GumboNode*, int>> open = {{root, 1}};
  while (!open.empty()) {
    const auto [node, depth] = open.back();
    open.pop_back();
    deepest = std::max(deepest, depth);
    if (node->type != GUMBO_NODE_ELEMENT && node->type != GUMBO_NODE_TEMPLATE) continue;
    for (const GumboNode* child : children(node->v.element)) open.emplace_back(child, depth + 1);
  }
  return deepest;
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
    } else if (node->type == GUMBO_NODE_ELEMENT &&
               !is_boilerplate(node->v.element, n_sections_ > 0)) {
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
    const bool opens_section = is_section(element.tag);
    in_pre_ += is_pre;
    n_sections_ += opens_section;
    for (const GumboNode* child : children(element)) read(child);
    n_sections_ -= opens_section;
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
  int n_sections_ = 0;  // that are open
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

DocumentText read_html(std::string_view text, const std::string& source, const HtmlLimits& limits) {
  PageMemory memory(max_memory(text.size()), limits.seconds);
  const GumboOutput* output = memory.parse(text);
  if (output == nullptr) {
    fail(ErrorCode::invalid_input,
         "{}: is no page that can be read: its elements take more than {} MB or {:g} s", source,
         max_memory(text.size()) >> 20, limits.seconds);
  }
  if (const int depth = depth_of(output->root); depth > limits.depth) {
    fail(ErrorCode::invalid_input, "{}: its elements lie {} deep in each other, must be at most {}",
         source, depth, limits.depth);
  }
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
