#include "learn/day_page.h"

#include <fmt/format.h>

#include <cctype>

#include "base/error.h"
#include "base/file.h"
#include "learn/lines_of.h"

namespace tinyllm::learn {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTasks = "<!-- tasks -->\n";

// Links to files get `prefix`; those to other sites and within the page stay.
std::string with_links_from(std::string_view text, std::string_view prefix) {
  std::string out;
  for (std::size_t at = text.find("]("); at != text.npos; at = text.find("](")) {
    out += text.substr(0, at + 2);
    text.remove_prefix(at + 2);
    const std::string_view target = text.substr(0, text.find(')'));
    const bool is_file = target.find(':') == target.npos && !target.starts_with('#');
    if (is_file) out += prefix;
  }
  return out.append(text);
}

// The text behind "12. "; empty when the line begins otherwise.
std::string_view behind_number(std::string_view line) {
  std::size_t n = 0;
  while (n < line.size() && std::isdigit(static_cast<unsigned char>(line[n])) != 0) ++n;
  return n > 0 && line.substr(n).starts_with(". ") ? line.substr(n + 2) : std::string_view();
}

}  // namespace

fs::path lesson_file(const Day& day) {
  if (!day.has_lesson()) {
    fail(ErrorCode::not_found,
         "day {} ({}) has no lesson yet; './tiny learn list' shows those that have", day.id,
         day.title);
  }
  return day.folder / "lesson.md";
}

std::string day_markdown(const Course& course, const Day& day) {
  const fs::path file = lesson_file(day);
  std::string page = read_text_file(file);
  std::string parts;
  for (const Task* task : course.tasks_of(day.id)) {
    const fs::path part = task->folder / "lesson.md";
    if (!fs::exists(part)) continue;
    parts += with_links_from(read_text_file(part), fmt::format("../../tasks/{}/", task->id)) + "\n";
  }
  const std::size_t at = page.find(kTasks);
  if (at != page.npos) return page.replace(at, kTasks.size(), parts);
  if (!parts.empty()) {
    fail(ErrorCode::invalid_input, "{}: has no line <!-- tasks --> for the parts of its tasks",
         file.string());
  }
  return page;
}

std::vector<PageQuestion> page_questions(std::string_view markdown) {
  std::vector<PageQuestion> found;
  bool inside = false, answers = false;
  std::size_t n = 0;            // of the answer
  std::string* open = nullptr;  // what a line that goes on belongs to
  for (const std::string& line : lines_of(markdown)) {
    if (line.starts_with("#")) {
      inside = line == "## Explain it back";
    } else if (inside && line == "<details>") {
      answers = true;
      open = nullptr;
    } else if (inside && line == "</details>") {
      inside = false;
    } else if (const std::string_view text = behind_number(line); inside && !text.empty()) {
      if (!answers) found.emplace_back();
      if (answers && n >= found.size()) continue;
      open = answers ? &found[n++].answer : &found.back().question;
      *open = text;
    } else if (line.empty() || !inside) {
      open = nullptr;
    } else if (open != nullptr) {
      *open += " " + line.substr(line.find_first_not_of(' '));
    }
  }
  return found;
}

}  // namespace tinyllm::learn
