#include "apps/batch_results.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <system_error>

#include "apps/standard_output.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_parse.h"

namespace tinyllm {
namespace fs = std::filesystem;
namespace {

using AnyJson = nlohmann::json;

// What every result of ours begins with (result_line in batch.cpp).
constexpr std::string_view kBegin = "{\"id\":\"batch_req_";

[[noreturn]] void fail_io(const fs::path& path, const char* what) {
  fail(ErrorCode::io, "{}: cannot be {}: {}", path.string(), what,
       std::generic_category().message(errno));
}

[[noreturn]] void fail_foreign(const std::string& source) {
  fail(ErrorCode::invalid_input,
       "{} is not a result of a batch; name another file after -o, or remove this one", source);
}

bool is_result(const AnyJson& value) {
  return value.is_object() && value.contains("response") && value.contains("custom_id");
}

// A custom_id and an id live side by side in one map.
std::string key_of(const std::string& custom_id, const std::string& id) {
  return custom_id.empty() ? "i" + id : "c" + custom_id;
}

std::string text_of(const AnyJson& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

bool same_file(int file, const fs::path& path) {
  struct stat open {
  }, named{};
  return ::fstat(file, &open) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

}  // namespace

BatchResults::BatchResults(const fs::path& path) : path_(path) {
  if (path_.empty()) return;
  std::error_code none;
  if (fs::is_symlink(path_, none)) path_ = fs::weakly_canonical(path_);
  open_and_lock();
  try {
    if (fs::is_regular_file(path_, none)) read_existing(read_text_file(path_));
  } catch (const Error&) {
    ::close(file_);
    throw;
  }
}

BatchResults::~BatchResults() {
  if (file_ >= 0) ::close(file_);
}

// The lock is on what the name means now: drop_replaced of another run may have given the name to a
// new file between our open and our lock.
void BatchResults::open_and_lock() {
  while (true) {
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file_ < 0) fail_io(path_, "written");
    std::error_code none;
    if (!fs::is_regular_file(path_, none)) return;  // a device or a pipe: nobody continues it
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      ::close(std::exchange(file_, -1));
      fail(ErrorCode::io,
           "{}: another batch is writing its results there; wait for its end, or name another "
           "file after -o",
           path_.string());
    }
    if (same_file(file_, path_)) return;
    ::close(file_);
  }
}

void BatchResults::note(const std::string& custom_id, const std::string& id, Entry entry) {
  const auto [known, is_new] = entries_.emplace(key_of(custom_id, id), entry);
  if (is_new) return;
  if (known->second.failed) {
    replaced_.push_back(known->second.line);
    known->second = entry;
  }
}

void BatchResults::read_existing(const std::string& content) {
  std::size_t begin = 0;
  for (std::size_t end; (end = content.find('\n', begin)) != content.npos; begin = end + 1) {
    const std::string source = fmt::format("{}: line {}", path_.string(), ++n_lines_);
    const std::string_view line = std::string_view(content).substr(begin, end - begin);
    if (line.empty()) continue;
    const AnyJson result = parse_json(line, source);
    if (!is_result(result)) fail_foreign(source);
    const bool failed = result.contains("error") && !result["error"].is_null();
    note(text_of(result, "custom_id"), text_of(result, "id"), {n_lines_, failed});
  }
  if (begin == content.size()) return;

  // The last line has no end. A whole result lacks its newline only; what a killed run left begins
  // as all results do; anything else is somebody else's and stays.
  const std::string_view rest = std::string_view(content).substr(begin);
  const AnyJson result = AnyJson::parse(rest, nullptr, /*allow_exceptions=*/false);
  if (is_result(result)) {
    const bool failed = result.contains("error") && !result["error"].is_null();
    note(text_of(result, "custom_id"), text_of(result, "id"), {++n_lines_, failed});
    return write_all(file_, "\n");
  }
  const bool ours = rest.starts_with(kBegin) || (!entries_.empty() && kBegin.starts_with(rest));
  if (!ours) fail_foreign(fmt::format("{}: line {}", path_.string(), n_lines_ + 1));
  fs::resize_file(path_, begin);
}

BatchResults::Found BatchResults::found(const std::string& custom_id, const std::string& id) const {
  const auto entry = entries_.find(key_of(custom_id, id));
  if (entry == entries_.end()) return Found::nothing;
  return entry->second.failed ? Found::failure : Found::answer;
}

void BatchResults::write_all(int file, std::string_view text) const {
  while (!text.empty()) {
    const ssize_t n = ::write(file, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_io(path_, "written");
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

void BatchResults::write(const std::string& line, const std::string& custom_id,
                         const std::string& id) {
  const std::string whole = line + "\n";
  if (file_ < 0) return write_stdout(whole);
  write_all(file_, whole);
  note(custom_id, id, {++n_lines_, /*failed=*/false});
}

void BatchResults::drop_replaced() {
  if (replaced_.empty()) return;
  std::ranges::sort(replaced_);
  std::string kept;
  std::size_t n_lines = 0;
  const std::string content = read_text_file(path_, ~std::uint64_t{0});
  for (std::size_t begin = 0; begin < content.size();) {
    const std::size_t end = std::min(content.find('\n', begin), content.size() - 1) + 1;
    if (!std::ranges::binary_search(replaced_, ++n_lines)) kept.append(content, begin, end - begin);
    begin = end;
  }
  write_file_atomic(path_, kept);
  replaced_.clear();
}

}  // namespace tinyllm
