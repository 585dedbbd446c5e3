#pragma once
// The reference path, ready to run: a thread pool, and the plain f32 model with K/V rows for one
// sequence. One thread.

#include <cstdint>
#include <memory>

#include "base/thread_pool.h"
#include "client/load_progress.h"
#include "reference/model.h"

namespace tinyllm {

class LoadedReference {
 public:
  // K/V rows for `context` positions; `n_threads` 0: the default. Reads the weights once, so that
  // the first token does not wait for the disk, and tells `progress` the bytes that were read.
  // `checkpoint` must outlive it. Throws Error{out_of_memory} when the K/V rows do not fit.
  LoadedReference(const Checkpoint& checkpoint, int n_threads, std::int64_t context,
                  LoadProgress progress);

  reference::Model& model() { return *model_; }
  const reference::Model& model() const { return *model_; }

 private:
  ThreadPool pool_;
  std::unique_ptr<reference::Model> model_;
};

}  // namespace tinyllm
