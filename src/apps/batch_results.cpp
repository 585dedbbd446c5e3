#include "apps/batch_results.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>

#include "apps/standard_output.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_parse.h"

namespace tinyllm {
namespace {

[[noreturn]] void fail_io(const std::string& path, const char* what) {
  fail(ErrorCode::io, "{}: cannot be {}: {}", path, what, std::generic_category().message(errno));
}

}  // namespace

BatchResults::BatchResults(const std::filesystem::path& path) : path_(path.string()) {
  if (path_.empty()) return;
  if (std::filesystem::exists(path)) read_existing(path);
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file_ < 0) fail_io(path_, "written");
}

BatchResults::~BatchResults() {
  if (file_ >= 0) ::close(file_);
}

void BatchResults::read_existing(const std::filesystem::path& path) {
  const std::string content = read_text_file(path);
  std::size_t begin = 0, n_lines = 0;
  for (std::size_t end; (end = content.find('\n', begin)) != content.npos; begin = end + 1) {
    const std::string source = fmt::format("{}: line {}", path_, ++n_lines);
    const std::string_view line = std::string_view(content).substr(begin, end - begin);
    if (line.empty()) continue;
    const nlohmann::json result = parse_json(line, source);
    if (!result.is_object() || !result.contains("response") || !result.contains("custom_id")) {
      fail(ErrorCode::invalid_input,
           "{} is no result of a batch; name another file after -o, or remove this one", source);
    }
    const nlohmann::json& custom_id = result["custom_id"];
    if (custom_id.is_string()) {
      custom_ids_.insert(custom_id.get<std::string>());
    } else {
      ids_.insert(result.value("id", ""));
    }
  }
  if (begin < content.size()) std::filesystem::resize_file(path, begin);
}

bool BatchResults::done(const std::string& custom_id, const std::string& id) const {
  return custom_id.empty() ? ids_.contains(id) : custom_ids_.contains(custom_id);
}

void BatchResults::write(const std::string& line) {
  const std::string whole = line + "\n";
  if (file_ < 0) return write_stdout(whole);
  for (std::string_view rest = whole; !rest.empty();) {
    const ssize_t n = ::write(file_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_io(path_, "written");
    rest.remove_prefix(n);
  }
}

}  // namespace tinyllm
