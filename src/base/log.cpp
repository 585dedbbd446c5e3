#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"

namespace tinyllm {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warning: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::off;
}

// What clients and models write may stand in a message: nobody writes lines of his own into the log,
// or steers the terminal that shows it.
std::string on_one_line(std::string_view message) {
  std::string line;
  for (const char c : replace_ill_formed(message)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      line += fmt::format("\\x{:02x}", byte);
    } else {
      line += c;
    }
  }
  return line;
}

// The log's file. One that takes no more (disk full) is complained of once, on stderr, and tried
// again with every line: no line is worth the program.
class FileSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit FileSink(const std::string& path)
      : path_(path), fd_(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644)) {
    if (fd_ < 0) {
      fail(ErrorCode::io, "--log-file {}: cannot be opened for writing ({})", path,
           std::strerror(errno));
    }
  }
  ~FileSink() override { ::close(fd_); }
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    if (torn_) line.push_back('\n');
    formatter_->format(message, line);
    const ssize_t n = ::write(fd_, line.data(), line.size());
    const bool whole = n == static_cast<ssize_t>(line.size());
    if (!whole && !failing_) {
      std::fprintf(stderr,
                   "error: --log-file %s: cannot be written (%s); lines are missing there\n",
                   path_.c_str(), std::strerror(n < 0 ? errno : ENOSPC));
    }
    torn_ = whole ? false : torn_ || n > 0;
    failing_ = !whole;
  }
  void flush_() override {}

 private:
  std::string path_;
  int fd_;
  bool failing_ = false;  // the last line did not get in
  bool torn_ = false;     // half a line stands at the end
};

std::atomic<bool> never_waits{false};

// Whether stderr takes a line now. A pipe says so while it has room for PIPE_BUF bytes.
bool stderr_is_ready() {
  pollfd wanted{STDERR_FILENO, POLLOUT, 0};
  return ::poll(&wanted, 1, 0) != 0;  // an error is not worth waiting for either
}

// stderr, in the colours of spdlog's own sink.
class ErrorStreamSink : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (never_waits && !stderr_is_ready()) {
      ++n_lost_;
      return;
    }
    if (n_lost_ > 0) {
      const std::string words =
          fmt::format("{} lines of this log were lost: nobody read it", n_lost_);
      n_lost_ = 0;
      write(spdlog::details::log_msg(message.logger_name, spdlog::level::warn, words));
    }
    write(message);
  }
  void flush_() override { stream_.flush(); }
  void set_pattern_(const std::string& pattern) override { stream_.set_pattern(pattern); }
  void set_formatter_(std::unique_ptr<spdlog::formatter> formatter) override {
    stream_.set_formatter(std::move(formatter));
  }

 private:
  // A pipe that is ready takes so many bytes without blocking.
  void write(const spdlog::details::log_msg& message) {
    constexpr std::size_t kMostBytes = PIPE_BUF - 64;
    spdlog::details::log_msg cut = message;
    if (never_waits && cut.payload.size() > kMostBytes)
      cut.payload = spdlog::string_view_t(cut.payload.data(), kMostBytes);
    stream_.log(cut);
  }

  spdlog::sinks::stderr_color_sink_st stream_;
  std::int64_t n_lost_ = 0;
};

// The program's one logger. spdlog's registry guards it with its own mutex.
std::shared_ptr<spdlog::logger> logger() {
  static const std::shared_ptr<spdlog::logger> first = [] {
    auto made = std::make_shared<spdlog::logger>("tinyllm", std::make_shared<ErrorStreamSink>());
    made->set_pattern("%^%l%$: %v");
    made->set_level(spdlog::level::warn);
    return made;
  }();
  return first;
}

}  // namespace

void configure_log(LogLevel level, const std::string& file) {
  const std::shared_ptr<spdlog::logger> log = logger();
  log->set_level(to_spdlog(level));
  if (file.empty()) return;
  auto sink = std::make_shared<FileSink>(file);
  sink->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  log->sinks().push_back(std::move(sink));
}

void never_wait_for_log() { never_waits = true; }

bool log_enabled(LogLevel level) { return logger()->should_log(to_spdlog(level)); }

void log_line(LogLevel level, const std::string& message) {
  logger()->log(to_spdlog(level), "{}", on_one_line(message));
}

}  // namespace tinyllm
