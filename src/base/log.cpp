#include "base/log.h"

#include <fcntl.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "base/error.h"

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

// The program's one logger. spdlog's registry guards it with its own mutex.
std::shared_ptr<spdlog::logger> logger() {
  static const std::shared_ptr<spdlog::logger> first = [] {
    auto made = spdlog::stderr_color_mt("tinyllm");
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

bool log_enabled(LogLevel level) { return logger()->should_log(to_spdlog(level)); }

void log_line(LogLevel level, const std::string& message) {
  logger()->log(to_spdlog(level), "{}", message);
}

}  // namespace tinyllm
