#pragma once
// Opens the model that drafts (--draft-model), and refuses what cannot draft.

#include <cstdint>
#include <memory>

#include "engine/draft_model.h"
#include "engine/engine_options.h"

namespace tinyllm {

class Checkpoint;
class ThreadPool;
struct ModelText;

// Throws Error{usage} for a draft model that nobody asks, and for nobody where one is asked for.
void check_draft_options(const EngineOptions& options);

// For `target`, whose text side is `text`; options with every 0 of the limits resolved. Throws
// Error{invalid_input} where vocabulary or context do not fit, Error{not_found | unsupported |
// out_of_memory} where the model cannot be opened.
std::unique_ptr<DraftModel> open_draft_model(const EngineOptions& options, const Checkpoint& target,
                                             const ModelText& text, ThreadPool& pool);

std::int64_t kv_block_bytes(const DraftModel& model, const KvSpec& kv);
// Of the blocks that its drafter has beside those of the sequences.
std::int64_t kv_spare_bytes(const DraftModel& model, const EngineOptions& options);

}  // namespace tinyllm
