#include "base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
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
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
    sink->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
    log->sinks().push_back(std::move(sink));
    log->flush_on(spdlog::level::debug);
  } catch (const spdlog::spdlog_ex& error) {
    fail(ErrorCode::io, "--log-file {}: cannot be opened for writing ({})", file, error.what());
  }
}

bool log_enabled(LogLevel level) { return logger()->should_log(to_spdlog(level)); }

void log_line(LogLevel level, const std::string& message) {
  logger()->log(to_spdlog(level), "{}", message);
}

}  // namespace tinyllm
