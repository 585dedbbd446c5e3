#include "apps/pull_model.h"

#include <cstdint>
#include <optional>

#include "apps/progress_bar.h"
#include "base/interrupt.h"
#include "model_store/model_store.h"

namespace tinyllm {
namespace {

// One bar a step.
class PullBars {
 public:
  explicit PullBars(std::string model) : model_(std::move(model)) {}

  void show(const PullProgress& progress) {
    if (!bar_ || step_ != progress.step) {
      step_ = progress.step;
      bar_.reset();  // wipes the line of the step before
      bar_.emplace(model_ + ": " + step_, static_cast<std::int64_t>(progress.bytes_total),
                   ProgressUnit::bytes);
    }
    bar_->update(static_cast<std::int64_t>(progress.bytes_done));
  }

 private:
  std::string model_;
  std::string step_;
  std::optional<ProgressBar> bar_;
};

}  // namespace

std::filesystem::path pull_model(const std::string& name) {
  const InterruptFlag interrupt;
  PullBars bars(name);
  return ModelStore().pull(name, [&](const PullProgress& progress) {
    bars.show(progress);
    return !interrupt.raised();
  });
}

std::vector<VerifiedFile> verify_model(const std::string& name) {
  const InterruptFlag interrupt;
  PullBars bars(name);
  return ModelStore().verify(name, [&](const PullProgress& progress) {
    bars.show(progress);
    return !interrupt.raised();
  });
}

}  // namespace tinyllm
