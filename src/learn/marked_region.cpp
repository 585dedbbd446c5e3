#include "learn/marked_region.h"

#include <fmt/format.h>

#include "base/error.h"

namespace tinyllm::learn {
namespace {

constexpr std::string_view kLessonInclude = "#include \"base/lesson.h\"\n";

std::string_view trimmed(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t");
  return first == line.npos ? "" : line.substr(first);
}

[[noreturn]] void refuse(std::string_view task_id, std::string_view what) {
  fail(ErrorCode::invalid_input, "marked regions of {}: {}", task_id, what);
}

// Calls body(line) for each line outside of the marks, with `inside` set within a region; and
// region() at its beginning.
template <typename Line, typename Region>
void walk(std::string_view source, std::string_view task_id, Line&& line_found,
          Region&& region_found) {
  const std::string open = fmt::format("// >>> {}", task_id);
  const std::string close = fmt::format("// <<< {}", task_id);
  bool inside = false, any = false;
  while (!source.empty()) {
    const std::size_t end = source.find('\n');
    const std::string_view line = source.substr(0, end == source.npos ? end : end + 1);
    source.remove_prefix(line.size());
    std::string_view word = trimmed(line);
    if (word.ends_with('\n')) word.remove_suffix(1);
    if (word == open) {
      if (inside) refuse(task_id, "one begins inside another");
      inside = any = true;
      region_found(line.substr(0, line.find('/')));
    } else if (word == close) {
      if (!inside) refuse(task_id, "one ends that did not begin");
      inside = false;
    } else {
      line_found(line, inside);
    }
  }
  if (inside) refuse(task_id, "the last one has no end");
  if (!any) refuse(task_id, "there is none");
}

// Behind the first #include, which is the file's own contract.
void add_lesson_include(std::string& text) {
  const std::size_t first = text.find("#include \"");
  const std::size_t end = first == text.npos ? 0 : text.find('\n', first) + 1;
  text.insert(end, (end == 0 ? "" : "\n") + std::string(kLessonInclude));
}

}  // namespace

std::string make_skeleton(std::string_view engine_source, std::string_view task_id) {
  std::string text;
  walk(
      engine_source, task_id,
      [&](std::string_view line, bool inside) {
        if (!inside) text += line;
      },
      [&](std::string_view indent) {
        text += fmt::format("{}LESSON_TODO(\"{}\");\n", indent, task_id);
      });
  add_lesson_include(text);
  return text;
}

std::string make_solution(std::string_view engine_source, std::string_view task_id) {
  std::string text;
  walk(
      engine_source, task_id, [&](std::string_view line, bool) { text += line; },
      [](std::string_view) {});
  return text;
}

bool has_todo(std::string_view source) {
  while (!source.empty()) {
    const std::size_t end = source.find('\n');
    const std::string_view line = source.substr(0, end);
    source.remove_prefix(end == source.npos ? source.size() : end + 1);
    if (trimmed(line).starts_with("LESSON_TODO(")) return true;
  }
  return false;
}

}  // namespace tinyllm::learn
