#include "apps/progress_bar.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "apps/terminal.h"

namespace tinyllm {
namespace {

std::string amount(std::int64_t value, ProgressUnit unit) {
  if (unit == ProgressUnit::count) return fmt::format("{}", value);
  return fmt::format("{:.1f}", static_cast<double>(value) / 1e6);
}

std::string rate(double per_second, ProgressUnit unit) {
  if (unit == ProgressUnit::bytes) return fmt::format("{:.1f} MB/s", per_second / 1e6);
  return fmt::format("{:.0f}/s", per_second);
}

std::string seconds_left(double seconds) {
  if (seconds < 100) return fmt::format("{:.0f} s", seconds);
  return fmt::format("{:.0f} min", seconds / 60);
}

}  // namespace

std::string progress_line(const std::string& label, std::int64_t done, std::int64_t total,
                          ProgressUnit unit, double per_second, int width) {
  const char* suffix = unit == ProgressUnit::bytes ? " MB" : "";
  std::string numbers;
  if (total <= 0) {
    numbers = fmt::format("{}{}", amount(done, unit), suffix);
  } else {
    const double part = std::clamp(static_cast<double>(done) / static_cast<double>(total), 0., 1.);
    numbers = fmt::format("{:3.0f} %  {}/{}{}", 100 * part, amount(done, unit), amount(total, unit),
                          suffix);
  }
  if (per_second > 0) {
    numbers += "  " + rate(per_second, unit);
    if (done < total) {
      numbers += "  " + seconds_left(static_cast<double>(total - done) / per_second);
    }
  }
  std::string line = label + "  ";
  const int bar_width = std::min(30, width - static_cast<int>(line.size() + numbers.size()) - 4);
  if (total > 0 && bar_width >= 5) {
    const double part = std::clamp(static_cast<double>(done) / static_cast<double>(total), 0., 1.);
    const int filled = static_cast<int>(part * bar_width);
    line += "[" + std::string(filled, '=') + std::string(bar_width - filled, ' ') + "]  ";
  }
  line += numbers;
  return line.substr(0, std::max(width, 0));
}

ProgressBar::ProgressBar(std::string label, std::int64_t total, ProgressUnit unit)
    : label_(std::move(label)), total_(total), unit_(unit), enabled_(is_terminal(STDERR_FILENO)) {}

ProgressBar::~ProgressBar() { clear(); }

void ProgressBar::update(std::int64_t done) {
  if (!enabled_) return;
  if (first_ < 0) first_ = done;
  const double now = clock_.seconds();
  if (now < 0.3 || (last_drawn_s_ >= 0 && now - last_drawn_s_ < 0.1 && done != total_)) return;
  const double per_second = static_cast<double>(done - first_) / now;
  // The last column stays free: a terminal would wrap after it.
  std::fprintf(
      stderr, "\r\x1b[K%s",
      progress_line(label_, done, total_, unit_, per_second, terminal_width() - 1).c_str());
  std::fflush(stderr);
  last_drawn_s_ = now;
  drawn_ = true;
}

void ProgressBar::clear() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace tinyllm
