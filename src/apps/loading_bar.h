#pragma once
// A progress bar for a model that loads (client/load_progress.h). Main thread only.

#include <cstdint>

#include "apps/progress_bar.h"

namespace tinyllm {

// As an argument, `load_engine(..., LoadingBar())`, it is wiped when the model is there. The engine
// counts layers, the reference path bytes.
class LoadingBar {
 public:
  explicit LoadingBar(ProgressUnit unit = ProgressUnit::count) : bar_("loading", 0, unit) {}

  void operator()(std::int64_t n_done, std::int64_t n_total) {
    bar_.set_total(n_total);
    bar_.update(n_done);
  }

 private:
  ProgressBar bar_;
};

}  // namespace tinyllm
