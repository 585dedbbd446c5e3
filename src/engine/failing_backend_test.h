#pragma once
// A backend that throws in a given step, for tests of what happens then.

#include <memory>
#include <new>
#include <utility>

#include "kernels/forwarding_backend_test.h"

namespace tinyllm {

class FailingBackend final : public ForwardingBackend {
 public:
  // The first n_good_steps work, the next has no memory.
  FailingBackend(std::unique_ptr<Backend> real, int n_good_steps)
      : ForwardingBackend(std::move(real)), n_left_(n_good_steps) {}

  void begin_step(const StepBatch& batch) override {
    if (n_left_-- == 0) throw std::bad_alloc();
    real_->begin_step(batch);
  }

 private:
  int n_left_;
};

}  // namespace tinyllm
