#include "engine/step_trace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

namespace tinyllm {
namespace {

constexpr std::chrono::milliseconds kFlushInterval{250};
constexpr std::size_t kFlushBytes = 256 << 10;  // that much is written before the interval ends

// The inside of a JSON string. Names are ASCII without control characters already.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

struct StepTrace::State {
  // An event without its braces; "pid" and "ts" are added.
  template <typename... Args>
  void event(double ts_us, fmt::format_string<Args...> format, Args&&... args);
  void span(char type, std::uint64_t text_id, double at_us, std::string_view name,
            std::string_view args_json);
  void begin_phase(std::uint64_t text_id, double at_us, const char* phase,
                   std::string_view args_json);
  double now_us() const { return clock.seconds() * 1e6; }
  void write_all();
  bool write(std::string_view bytes);

  std::filesystem::path path;
  Stopwatch clock;
  int fd = -1;
  std::int64_t n_written = 0;  // whole events only; writer thread
  std::atomic<bool> stopped{false};

  // Engine thread.
  struct Text {
    std::string name;  // escaped
    const char* phase;
  };
  std::unordered_map<std::uint64_t, Text> texts;

  struct Pending {
    std::mutex mutex;  // guards the rest
    std::condition_variable changed;
    std::string events;  // each begins with ",\n" (the very first with "[\n")
    std::uint64_t n_dropped = 0;
    bool began = false, closing = false;
  } pending;
  std::thread writer;
};

template <typename... Args>
void StepTrace::State::event(double ts_us, fmt::format_string<Args...> format, Args&&... args) {
  if (stopped) return;
  bool full = false;
  {
    const std::scoped_lock lock(pending.mutex);
    if (pending.events.size() > kMaxPendingBytes) {
      ++pending.n_dropped;
      return;
    }
    pending.events += pending.began ? ",\n{\"pid\":1," : "[\n{\"pid\":1,";
    pending.began = true;
    const auto to = std::back_inserter(pending.events);
    fmt::format_to(to, "\"ts\":{:.1f},", ts_us);
    fmt::format_to(to, format, std::forward<Args>(args)...);
    pending.events += '}';
    full = pending.events.size() > kFlushBytes;
  }
  if (full) pending.changed.notify_one();
}

// Nested asynchronous events with one id share a track of their own.
void StepTrace::State::span(char type, std::uint64_t text_id, double at_us, std::string_view name,
                            std::string_view args_json) {
  event(at_us, R"("ph":"{}","cat":"text","id":"{}","tid":1,"name":"{}","args":{{{}}})", type,
        text_id, name, args_json);
}

void StepTrace::State::begin_phase(std::uint64_t text_id, double at_us, const char* phase,
                                   std::string_view args_json) {
  const auto found = texts.find(text_id);
  if (found == texts.end()) return;
  span('e', text_id, at_us, found->second.phase, "");
  found->second.phase = phase;
  span('b', text_id, at_us, phase, args_json);
}

// The writer thread.
void StepTrace::State::write_all() {
  std::string bytes;
  bool closing = false;
  while (!closing) {
    {
      std::unique_lock lock(pending.mutex);
      pending.changed.wait_for(lock, kFlushInterval, [&] {
        return pending.closing || pending.events.size() > kFlushBytes;
      });
      closing = pending.closing;
      bytes.clear();
      std::swap(bytes, pending.events);
    }
    if (closing) bytes += "\n]\n";
    if (!stopped && !write(bytes)) stopped = true;
  }
}

bool StepTrace::State::write(std::string_view bytes) {
  std::size_t n_done = 0;
  while (n_done < bytes.size()) {
    const ssize_t n = ::write(fd, bytes.data() + n_done, bytes.size() - n_done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      log(LogLevel::error, "--trace {}: cannot be written ({}); tracing ends here", path.string(),
          std::strerror(n < 0 ? errno : ENOSPC));
      // Half an event would make the file unreadable.
      [[maybe_unused]] const int ignored = ::ftruncate(fd, n_written);
      return false;
    }
    n_done += static_cast<std::size_t>(n);
  }
  n_written += static_cast<std::int64_t>(n_done);
  return true;
}

StepTrace::StepTrace(const std::filesystem::path& path) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.path = path;
  state.fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (state.fd < 0) {
    fail(ErrorCode::io, "--trace {}: cannot be opened for writing ({})", path.string(),
         std::strerror(errno));
  }
  state.event(0, R"("ph":"M","tid":1,"name":"process_name","args":{{"name":"tinyllm"}})");
  state.event(0, R"("ph":"M","tid":1,"name":"thread_name","args":{{"name":"engine steps"}})");
  state.writer = std::thread([&state] { state.write_all(); });
}

StepTrace::~StepTrace() {
  {
    const std::scoped_lock lock(state_->pending.mutex);
    state_->pending.closing = true;
  }
  state_->pending.changed.notify_one();
  state_->writer.join();
  ::close(state_->fd);
  if (state_->pending.n_dropped > 0)
    log(LogLevel::warning, "--trace {}: {} events were dropped, the disk was too slow",
        state_->path.string(), state_->pending.n_dropped);
}

double StepTrace::now_us() const { return state_->now_us(); }

void StepTrace::step(const TracedStep& step) {
  const double now = now_us();
  state_->event(step.begin_us,
                R"("ph":"X","tid":1,"name":"step","dur":{:.1f},)"
                R"("args":{{"step":{},"n_prefill":{},"n_decode":{}}})",
                now - step.begin_us, step.counts.step_id, step.counts.n_prefill,
                step.counts.n_decode);
  state_->event(now, R"("ph":"C","tid":1,"name":"texts","args":{{"running":{},"waiting":{}}})",
                step.n_running, step.n_waiting);
  state_->event(now, R"("ph":"C","tid":1,"name":"KV blocks","args":{{"in use":{}}})",
                step.n_used_blocks);
}

void StepTrace::queued(std::uint64_t text_id, std::string_view request_name, int choice_idx) {
  if (state_->stopped) return;
  std::string name = request_name.empty() ? fmt::format("text {}", text_id) : escaped(request_name);
  if (choice_idx > 0) name += fmt::format(" [{}]", choice_idx);
  const double now = now_us();
  state_->span('b', text_id, now, name, "");
  state_->span('b', text_id, now, "queued", "");
  state_->texts[text_id] = {std::move(name), "queued"};
}

void StepTrace::prefill(std::uint64_t text_id, double at_us, std::int64_t n_prompt) {
  state_->begin_phase(text_id, at_us, "prefill", fmt::format(R"("n_prompt":{})", n_prompt));
}

void StepTrace::decode(std::uint64_t text_id) {
  state_->begin_phase(text_id, now_us(), "decode", "");
}

void StepTrace::ended(std::uint64_t text_id, FinishReason reason, std::int64_t n_cached,
                      std::int64_t n_generated) {
  const auto found = state_->texts.find(text_id);
  if (found == state_->texts.end()) return;
  const double now = now_us();
  state_->span('e', text_id, now, found->second.phase, "");
  state_->span('e', text_id, now, found->second.name,
               fmt::format(R"("finish":"{}","n_cached":{},"n_generated":{})", to_string(reason),
                           n_cached, n_generated));
  state_->texts.erase(found);
}

}  // namespace tinyllm
