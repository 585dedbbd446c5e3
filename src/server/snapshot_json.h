#pragma once
// An engine's snapshot as the JSON of /debug/state.

#include <nlohmann/json_fwd.hpp>

#include "engine/engine_snapshot.h"

namespace tinyllm {

// {"step", "rows", "lanes": [{"row", "request", "choice", "state", "n_prompt", "n_cached",
//   "n_computed", "n_generated", "max_generated", "n_blocks"}],
//  "queue": {"n", "first": [{"request", "choice", "n_prompt"}]},
//  "kv": {"n_blocks", "block_size", "n_free", "n_cached", "n_used", "map": [[holder, n], ...]},
//  "steps": [[step, n_prefill, n_decode, ms], ...]}
// map: neighbouring blocks of one holder: an index into lanes, -1 free, -2 cached, -3 shared.
// n_free counts blocks with nothing of use; free, cached and used sum up to n_blocks.
nlohmann::ordered_json snapshot_json(const EngineSnapshot& snapshot);

}  // namespace tinyllm
