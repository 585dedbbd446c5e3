#pragma once
// A backend whose results come a step late and after a random while, as those of a GPU do: step
// k + 1 may be begun before step k is collected. The arithmetic is that of the backend behind it.

#include <chrono>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "kernels/forwarding_backend_test.h"

namespace tinyllm {

class LaggingBackend final : public ForwardingBackend {
 public:
  LaggingBackend(std::unique_ptr<Backend> real, std::int32_t lag, unsigned seed)
      : ForwardingBackend(std::move(real)),
        random_(seed),
        results_(static_cast<std::size_t>(lag) + 1) {}

  std::int32_t lag() const override { return static_cast<std::int32_t>(results_.size()) - 1; }

  void begin_step(const StepBatch& batch) override {
    CHECK(n_begun_ - n_collected_ < results_.size(), "{} steps wait to be collected",
          n_begun_ - n_collected_);
    real_->begin_step(batch);
  }

  void run(Recipe kind, function_ref<void()> recipe) override {
    real_->run(kind, recipe);
    results_[n_begun_++ % results_.size()].copy(real_->collect());
  }

  const StepOutput& collect() override {
    CHECK(n_collected_ < n_begun_, "no step was begun");
    std::this_thread::sleep_for(std::chrono::microseconds(random_() % 300));
    return results_[n_collected_++ % results_.size()].view;
  }

 private:
  struct Result {
    std::vector<TokenId> token_ids;
    std::vector<TokenLogprobs> logprobs;
    std::vector<float> logits, hidden;
    StepOutput view;

    void copy(const StepOutput& output) {
      token_ids.assign(output.token_ids.begin(), output.token_ids.end());
      logprobs.assign(output.logprobs.begin(), output.logprobs.end());
      logits.assign(output.logits.begin(), output.logits.end());
      hidden.assign(output.hidden.begin(), output.hidden.end());
      view = {token_ids, logprobs, logits, hidden};
    }
  };

  std::mt19937 random_;
  std::vector<Result> results_;  // [lag + 1], a ring
  std::uint64_t n_begun_ = 0, n_collected_ = 0;
};

}  // namespace tinyllm
