#pragma once
// An engine whose backend throws in a given step, for tests of what happens then.

#include <memory>
#include <utility>

#include "engine/engine_parts.h"
#include "engine/failing_backend_test.h"
#include "engine/tiny_engine_test.h"
#include "kernels/make/make_backend.h"

namespace tinyllm {

inline std::unique_ptr<Engine> open_failing(int n_good_steps) {
  const Checkpoint checkpoint = Checkpoint::open(tiny_model("qwen2-bf16-tied"));
  Engine::Parts parts;
  parts.options = small_options();
  parts.pool = std::make_unique<ThreadPool>(2);
  parts.backend = std::make_unique<FailingBackend>(make_backend(*parts.pool), n_good_steps);
  parts.decoder = std::make_unique<Decoder>(checkpoint, *parts.backend, *parts.pool,
                                            DecoderOptions{parts.options.limits.max_model_len, {}},
                                            [](std::int64_t, std::int64_t) {});
  parts.text = tiny_text();
  parts.vocab_size = checkpoint.config().vocab_size;
  return std::make_unique<Engine>(std::move(parts));
}

}  // namespace tinyllm
