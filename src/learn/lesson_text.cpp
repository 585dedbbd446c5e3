#include "learn/lesson_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "learn/lines_of.h"
#include "learn/marked_text.h"

namespace tinyllm::learn {
namespace {

std::string styled_line(std::string_view text, const Style& style) {
  std::string out;
  split_marked(
      text, "**", [&](std::string_view part) { out += part; },
      [&](std::string_view part) { out += style.bold(part); });
  const std::string_view open = style.color ? "\x1b[3m" : "", close = style.color ? "\x1b[23m" : "";
  std::string with_code;
  split_marked(
      out, "`", [&](std::string_view part) { with_code += with_emphasis(part, open, close); },
      [&](std::string_view part) { with_code += style.yellow(part); });
  return with_code;
}

// "| a | b |" to its cells; empty for the line of dashes under a table's head.
std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> cells;
  if (line.starts_with("|--")) return cells;
  line.remove_prefix(1);
  for (std::size_t end = line.find('|'); end != line.npos; end = line.find('|')) {
    std::string_view cell = line.substr(0, end);
    while (cell.starts_with(' ')) cell.remove_prefix(1);
    while (cell.ends_with(' ')) cell.remove_suffix(1);
    cells.emplace_back(cell);
    line.remove_prefix(end + 1);
  }
  return cells;
}

class TerminalPage {
 public:
  explicit TerminalPage(const Style& style) : style_(style) {}

  void add(const std::string& line) {
    if (line.starts_with("```")) {
      end_block();
      in_code_ = !in_code_;
    } else if (in_code_) {
      text() += "    " + line + "\n";
    } else if (line.starts_with("|")) {
      end_paragraph();
      table_.push_back(cells_of(line));
    } else if (line.starts_with("<")) {
      add_tag(line);
    } else if (line.starts_with("#")) {
      end_block();
      text() += "\n" + style_.bold(line.substr(line.find_first_not_of("# "))) + "\n";
    } else if (line.starts_with("![")) {
      end_block();
      text() +=
          style_.dim(fmt::format("  [picture: {}; see it with './tiny learn read --browser']\n",
                                 line.substr(2, line.find(']') - 2)));
    } else if (is_item(line)) {
      end_block();
      const char* indent = line.starts_with("- ") ? "  " : "   ";
      text() += styled_line(wrap(line, style_.width - 4, indent), style_) + "\n";
    } else if (line.empty()) {
      end_block();
      text() += "\n";
    } else {
      paragraph_ += (paragraph_.empty() ? "" : " ") + line;
    }
  }

  std::string end() {
    end_block();
    if (!answers_.empty()) page_ += "\n" + style_.bold("Answers") + "\n" + answers_;
    return std::move(page_);
  }

 private:
  static bool is_item(const std::string& line) {
    return line.starts_with("- ") || (line.size() > 2 && line[1] == '.' && line[2] == ' ');
  }

  std::string& text() { return in_answers_ ? answers_ : page_; }

  void add_tag(const std::string& line) {
    end_block();
    if (line.starts_with("<details>")) {
      page_ += style_.dim("  (answers: at the end of this page)\n");
      in_answers_ = true;
    } else if (line.starts_with("</details>")) {
      in_answers_ = false;
    }
  }

  void end_block() {
    end_paragraph();
    std::vector<std::size_t> widths;
    for (const auto& row : table_) {
      widths.resize(std::max(widths.size(), row.size()), 0);
      for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (const auto& row : table_) {
      std::string line;
      for (std::size_t i = 0; i < row.size(); ++i) {
        line +=
            "  " + row[i] + std::string(i + 1 < row.size() ? widths[i] - row[i].size() : 0, ' ');
      }
      if (!row.empty()) text() += styled_line(line, style_) + "\n";
    }
    table_.clear();
  }

  void end_paragraph() {
    if (!paragraph_.empty()) {
      text() += styled_line(wrap(paragraph_, style_.width - 4, ""), style_) + "\n";
    }
    paragraph_.clear();
  }

  const Style& style_;
  std::string page_, answers_, paragraph_;
  std::vector<std::vector<std::string>> table_;
  bool in_code_ = false, in_answers_ = false;
};

}  // namespace

std::string as_terminal_text(std::string_view markdown, const Style& style) {
  TerminalPage page(style);
  for (const std::string& line : lines_of(markdown)) page.add(line);
  return page.end();
}

}  // namespace tinyllm::learn
