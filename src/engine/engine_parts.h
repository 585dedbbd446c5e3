#pragma once
// What an engine is made of: for open_engine, and for tests that put in a backend of their own.

#include <cstdint>
#include <memory>

#include "base/thread_pool.h"
#include "engine/draft_model.h"
#include "engine/engine.h"
#include "engine/engine_options.h"
#include "kernels/backend.h"
#include "kv_store/kv_store.h"
#include "model/decoder.h"
#include "speculative/speculator.h"
#include "text/model_text.h"

namespace tinyllm {

struct Engine::Parts {
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Decoder> decoder;
  std::shared_ptr<const ModelText> text;  // without a tokenizer: token ids come out and no text
  std::int64_t vocab_size = 0;
  std::unique_ptr<DraftModel> draft_model;  // null: none; the engine makes its drafter
  std::unique_ptr<Speculator> speculator;   // null: no drafts
  std::unique_ptr<KvStore> kv_store;        // null: none
  EngineOptions options;                    // every 0 resolved
};

}  // namespace tinyllm
