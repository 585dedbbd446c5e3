#pragma once
// A bar on stderr for work that takes seconds: a load, a download, a long text. Draws nothing when
// stderr is not a terminal. Waits 0.3 s before it shows, so that quick work leaves no flicker,
// redraws at most ten times a second, and wipes itself when it ends. One thread.

#include <cstdint>
#include <string>

#include "base/clock.h"

namespace tinyllm {

enum class ProgressUnit { count, bytes };

class ProgressBar {
 public:
  // `total` 0: unknown, shows only what is done.
  ProgressBar(std::string label, std::int64_t total, ProgressUnit unit = ProgressUnit::count);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // `done` is absolute. The rate counts from the first update's value, where a resumed download
  // begins.
  void update(std::int64_t done);
  void set_total(std::int64_t total) { total_ = total; }
  // Wipes the bar so that other lines can be printed; the next update draws it again.
  void clear();

 private:
  std::string label_;
  std::int64_t total_;
  ProgressUnit unit_;
  bool enabled_;
  bool drawn_ = false;
  std::int64_t first_ = -1;   // value of the first update
  double last_drawn_s_ = -1;  // on clock_
  Stopwatch clock_;
};

// The bar's line, at most `width` columns: "smollm2-135m  [=====>    ]  52 %  48.1/92.8 MB  12.3
// MB/s  4 s". For tests.
std::string progress_line(const std::string& label, std::int64_t done, std::int64_t total,
                          ProgressUnit unit, double per_second, int width);

}  // namespace tinyllm
