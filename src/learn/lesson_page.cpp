#include "learn/lesson_page.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/error.h"
#include "learn/lines_of.h"
#include "learn/marked_text.h"
#include "learn/terminal_child.h"

namespace tinyllm::learn {
namespace {

// "title" of "![title](file)"; "" when the line is no image.
std::string image_title(std::string_view line) {
  if (!line.starts_with("![")) return "";
  return std::string(line.substr(2, line.find(']') - 2));
}
std::string image_file(std::string_view line) {
  const std::size_t open = line.find("](");
  return std::string(line.substr(open + 2, line.rfind(')') - open - 2));
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    out += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
  }
  return out;
}

std::string html_line(std::string_view text) {
  std::string out, bold;
  split_marked(
      escaped(text), "`", [&](std::string_view part) { out += part; },
      [&](std::string_view part) { out += fmt::format("<code>{}</code>", part); });
  split_marked(
      out, "**", [&](std::string_view part) { bold += with_emphasis(part, "<i>", "</i>"); },
      [&](std::string_view part) { bold += fmt::format("<b>{}</b>", part); });
  return bold;
}

std::string html_row(std::string_view line) {
  std::string cells;
  line.remove_prefix(1);
  while (line.find('|') != line.npos) {
    const std::size_t end = line.find('|');
    cells += fmt::format("<td>{}</td>", html_line(line.substr(0, end)));
    line.remove_prefix(end + 1);
  }
  return "<tr>" + cells + "</tr>\n";
}

constexpr std::string_view kPageHead = R"(<!doctype html><meta charset="utf-8"><title>{}</title>
<style>body{{font:18px/1.6 Georgia,serif;max-width:46em;margin:2em auto;padding:0 1em;color:#222;background:#fdfdfb}}
pre,code{{font:15px/1.4 ui-monospace,monospace;background:#f0f0ea}}pre{{padding:.8em;overflow:auto}}img{{max-width:100%}}
td{{border:1px solid #ccc;padding:.2em .6em}}table{{border-collapse:collapse}}details{{background:#f0f0ea;padding:.5em}}</style>
)";

}  // namespace

std::string as_html(std::string_view markdown, const std::filesystem::path& folder,
                    const std::string& title) {
  std::string page = fmt::format(fmt::runtime(kPageHead), escaped(title));
  bool in_code = false, in_table = false;
  for (const std::string& line : lines_of(markdown)) {
    if (in_table && !line.starts_with("|")) {
      page += "</table>\n";
      in_table = false;
    }
    if (line.starts_with("```")) {
      page += in_code ? "</pre>\n" : "<pre>";
      in_code = !in_code;
    } else if (in_code) {
      page += escaped(line) + "\n";
    } else if (line.starts_with("#")) {
      const std::size_t level = line.find_first_not_of('#');
      page += fmt::format("<h{0}>{1}</h{0}>\n", level, html_line(line.substr(level + 1)));
    } else if (!image_title(line).empty()) {
      page += fmt::format("<p><img src=\"file://{}\" alt=\"{}\"></p>\n",
                          (folder / image_file(line)).string(), escaped(image_title(line)));
    } else if (line.starts_with("<")) {
      page += line + "\n";
    } else if (line.starts_with("|---")) {
      continue;
    } else if (line.starts_with("|")) {
      page += (in_table ? "" : "<table>\n") + html_row(line);
      in_table = true;
    } else if (line.starts_with("- ")) {
      page += fmt::format("<li>{}</li>\n", html_line(line.substr(2)));
    } else {
      page += line.empty() ? "<p>\n" : html_line(line) + "\n";
    }
  }
  return page;
}

void show_in_pager(const std::string& text, bool plain, const std::string& from) {
  if (plain || !stdout_is_terminal() || !stdin_is_terminal()) {
    say(text);
    return;
  }
  const char* pager = std::getenv("PAGER");
  std::string command = pager == nullptr || *pager == '\0' ? "less -R" : pager;
  if (!from.empty() && command.starts_with("less")) command += " '+/" + from + "'";
  if (run_on_terminal({"sh", "-c", command}, text) == 127) say(text);
}

}  // namespace tinyllm::learn
