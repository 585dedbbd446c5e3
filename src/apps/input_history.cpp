#include "apps/input_history.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "base/file.h"

namespace tinyllm {
namespace {

// An entry may have several lines: a newline is written as \n, a backslash as two.
std::string escaped(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (c == '\n') {
      line += "\\n";
    } else if (c == '\\') {
      line += "\\\\";
    } else {
      line += c;
    }
  }
  return line;
}

std::string unescaped(std::string_view line) {
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool escape = line[i] == '\\' && i + 1 < line.size();
    if (!escape) {
      text += line[i];
    } else {
      text += line[++i] == 'n' ? '\n' : line[i];
    }
  }
  return text;
}

void write_lines(int file, const std::string& lines) {
  [[maybe_unused]] const ssize_t ignored = ::write(file, lines.data(), lines.size());
}

}  // namespace

std::vector<std::string> InputHistory::load() const {
  std::vector<std::string> entries;
  if (file_.empty()) return entries;
  std::string content;
  try {
    content = read_text_file(file_);
  } catch (const Error&) {
    return entries;
  }
  for (std::size_t begin = 0, end; (end = content.find('\n', begin)) != content.npos;
       begin = end + 1) {
    entries.push_back(unescaped(std::string_view(content).substr(begin, end - begin)));
  }
  const bool is_long = entries.size() > 4 * kMost;
  if (entries.size() > kMost)
    entries.erase(entries.begin(), entries.end() - static_cast<std::ptrdiff_t>(kMost));
  if (is_long) {
    std::string kept;
    for (const std::string& entry : entries) kept += escaped(entry) + "\n";
    const int file = ::open(file_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (file >= 0) {
      write_lines(file, kept);
      ::close(file);
    }
  }
  return entries;
}

void InputHistory::append(const std::string& entry) const {
  if (file_.empty()) return;
  std::error_code ignored;
  std::filesystem::create_directories(file_.parent_path(), ignored);
  // For its owner only: what people ask is theirs.
  const int file = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) return;
  write_lines(file, escaped(entry) + "\n");
  ::close(file);
}

}  // namespace tinyllm
