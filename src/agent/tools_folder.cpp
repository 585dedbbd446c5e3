#include "agent/tools_folder.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/quote.h"
#include "base/utf8.h"

namespace tinyllm {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFileBytes = 4 << 20;
constexpr std::size_t kMaxReadBytes = 12 << 10;  // of one answer
constexpr std::size_t kMaxLineBytes = 200;       // of a line that search shows
constexpr int kMaxHits = 50, kMaxFiles = 20000, kMaxNames = 500;
constexpr std::size_t kMaxSearchBytes = std::size_t{256} << 20;

bool is_under(const fs::path& path, const fs::path& root) {
  const auto [rest, unused] = std::ranges::mismatch(root, path);
  return rest == root.end();
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// A file descriptor that closes itself.
struct OpenFile {
  explicit OpenFile(int file) : fd(file) {}
  ~OpenFile() {
    if (fd >= 0) ::close(fd);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int fd;
};

std::string read_bytes(int fd, const std::string& shown) {
  std::string content;
  std::vector<char> chunk(1 << 16);
  while (true) {
    const ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(ErrorCode::io, "{} cannot be read: {}", shown, std::strerror(errno));
    if (n == 0) return content;
    content.append(chunk.data(), static_cast<std::size_t>(n));
    if (content.size() > kMaxFileBytes)
      fail(ErrorCode::invalid_input, "{} is larger than {} MiB", shown, kMaxFileBytes >> 20);
  }
}

bool is_binary(std::string_view content) { return content.find('\0') != content.npos; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code unreadable;
    names.push_back(it->path().filename().string() + (it->is_directory(unreadable) ? "/" : ""));
  }
  if (error) fail(ErrorCode::io, "the folder cannot be read: {}", error.message());
  std::ranges::sort(names);
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kMaxNames; ++i) text += names[i] + "\n";
  if (names.size() > kMaxNames) text += fmt::format("and {} more\n", names.size() - kMaxNames);
  return text.empty() ? "the folder is empty" : text;
}

// The regular files under a folder in order of their paths, hidden ones left out.
std::vector<fs::path> files_under(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code unreadable;
    const bool is_hidden = it->path().filename().string().starts_with('.');
    if (is_hidden && it->is_directory(unreadable)) it.disable_recursion_pending();
    if (is_hidden || it->symlink_status(unreadable).type() != fs::file_type::regular) continue;
    files.push_back(it->path());
    if (files.size() == kMaxFiles) break;
  }
  std::ranges::sort(files);
  return files;
}

struct Hits {
  std::string text;
  int n = 0;
};

void find_in(const std::string& content, const std::string& wanted, const std::string& shown,
             Hits& hits) {
  std::size_t begin = 0;
  for (int line = 1; begin < content.size() && hits.n < kMaxHits; ++line) {
    const std::size_t end = std::min(content.find('\n', begin), content.size());
    const auto text = std::string_view(content).substr(begin, end - begin);
    begin = end + 1;
    if (lower(text).find(wanted) == std::string::npos) continue;
    hits.text += fmt::format("{}:{}: {}\n", shown, line, text.substr(0, kMaxLineBytes));
    ++hits.n;
  }
}

}  // namespace

ToolsFolder::ToolsFolder(const fs::path& root) {
  std::error_code error;
  root_ = fs::canonical(root, error);
  if (error || !is_folder(root_)) fail(ErrorCode::not_found, "{}: is no folder", root.string());
}

fs::path ToolsFolder::inside(const std::string& path) const {
  const fs::path wanted(path);
  const auto refuse = [&](const char* why) {
    fail(ErrorCode::invalid_input, "{} {}; give a path inside the folder, such as notes/a.txt",
         quote(path), why);
  };
  if (path.find('\0') != std::string::npos) refuse("holds a zero byte");
  if (wanted.is_absolute()) refuse("is an absolute path");
  if (std::ranges::find(wanted, fs::path("..")) != wanted.end()) refuse("has a '..' in it");
  std::error_code error;
  const fs::path real = fs::canonical(root_ / wanted, error);
  if (error) fail(ErrorCode::not_found, "{}: there is no such file in the folder", quote(path));
  if (!is_under(real, root_)) refuse("leads out of the folder");
  return real;
}

// What was found to lie inside may have been replaced by a link since: the open file is asked where
// it lies.
std::string ToolsFolder::read_file(const fs::path& file, const std::string& shown) const {
  const OpenFile open(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (open.fd < 0) fail(ErrorCode::io, "{} cannot be opened: {}", shown, std::strerror(errno));
#ifdef __linux__
  std::error_code error;
  const fs::path real = fs::read_symlink(fmt::format("/proc/self/fd/{}", open.fd), error);
  if (error) fail(ErrorCode::io, "{} cannot be checked: there is no /proc here", shown);
  if (!is_under(real, root_)) fail(ErrorCode::invalid_input, "{} leads out of the folder", shown);
#endif
  struct stat status {};
  if (::fstat(open.fd, &status) != 0 || !S_ISREG(status.st_mode))
    fail(ErrorCode::invalid_input, "{} is no ordinary file", shown);
  return read_bytes(open.fd, shown);
}

std::string ToolsFolder::read(const std::string& path, std::int64_t first_line) const {
  if (first_line < 1) fail(ErrorCode::invalid_input, "'first_line' counts from 1");
  const fs::path file = inside(path);
  if (is_folder(file)) return names_in(file);
  const std::string shown = quote(path);
  const std::string content = read_file(file, shown);
  if (is_binary(content)) fail(ErrorCode::invalid_input, "{} is a binary file", shown);
  const auto n_lines =
      std::ranges::count(content, '\n') + (!content.empty() && content.back() != '\n' ? 1 : 0);
  if (content.empty()) return "the file is empty";
  if (first_line > n_lines) fail(ErrorCode::invalid_input, "{} has {} lines only", shown, n_lines);
  std::size_t begin = 0;
  for (std::int64_t line = 1; line < first_line; ++line) begin = content.find('\n', begin) + 1;
  std::string text = content.substr(begin, kMaxReadBytes);
  if (begin + text.size() == content.size()) return text;
  const std::size_t last = text.rfind('\n');
  if (last == std::string::npos) {
    text.resize(text.size() - incomplete_suffix_bytes(text));
    const std::string more =
        first_line < n_lines ? fmt::format("; go on with first_line {}", first_line + 1) : "";
    return text + fmt::format("\n[the first {} bytes of line {} of {}{}]", text.size(), first_line,
                              n_lines, more);
  }
  text.resize(last + 1);
  const std::int64_t n_shown = std::ranges::count(text, '\n');
  return text + fmt::format("[lines {} to {} of {}; go on with first_line {}]", first_line,
                            first_line + n_shown - 1, n_lines, first_line + n_shown);
}

std::string ToolsFolder::search(const std::string& text, const std::string& path,
                                function_ref<bool()> interrupted) const {
  const std::string wanted = lower(text);
  if (wanted.empty()) fail(ErrorCode::invalid_input, "'text' is empty");
  const fs::path start = inside(path.empty() ? "." : path);
  const std::vector<fs::path> files =
      is_folder(start) ? files_under(start) : std::vector<fs::path>{start};
  Hits hits;
  std::size_t n_bytes = 0;
  for (const fs::path& file : files) {
    if (interrupted()) fail(ErrorCode::io, "the search was stopped");
    if (hits.n == kMaxHits || n_bytes > kMaxSearchBytes) break;
    std::error_code error;
    const auto size = fs::file_size(file, error);
    if (error || size > kMaxFileBytes) continue;
    const std::string shown = file.lexically_relative(root_).string();
    try {
      const std::string content = read_file(file, shown);
      n_bytes += content.size();
      if (!is_binary(content)) find_in(content, wanted, shown, hits);
    } catch (const Error&) {
      continue;  // a file that cannot be read is passed over
    }
  }
  if (hits.n == 0) return fmt::format("no line of {} files holds {}", files.size(), quote(text));
  if (hits.n == kMaxHits)
    hits.text += fmt::format("[the first {} lines; there may be more]\n", kMaxHits);
  return hits.text;
}

void add_folder_tools(ToolBox& box, const fs::path& root) {
  const auto folder = std::make_shared<const ToolsFolder>(root);
  box.add({.name = "read_file",
           .description = "Reads a text file of the user's folder, or lists the names in a folder "
                          "of it. The path \".\" is the folder itself.",
           .parameters = R"({"type": "object", "properties": {"path": {"type": "string",)"
                         R"( "description": "Inside the folder, for example notes/a.txt"},)"
                         R"( "first_line": {"type": "integer", "minimum": 1}},)"
                         R"( "required": ["path"], "additionalProperties": false})",
           .call = [folder](const nlohmann::ordered_json& arguments, function_ref<bool()>) {
             return ToolResult{folder->read(text_argument(arguments, "path"),
                                            whole_argument_or(arguments, "first_line", 1))};
           }});
  box.add(
      {.name = "search",
       .description = "Finds the lines that hold a text in the files of the user's folder.",
       .parameters =
           R"({"type": "object", "properties": {"text": {"type": "string"},)"
           R"( "path": {"type": "string", "description": "Only in this file or folder"}},)"
           R"( "required": ["text"], "additionalProperties": false})",
       .call = [folder](const nlohmann::ordered_json& arguments, function_ref<bool()> interrupted) {
         return ToolResult{folder->search(text_argument(arguments, "text"),
                                          text_argument_or(arguments, "path", ""), interrupted)};
       }});
}

}  // namespace tinyllm
