#pragma once
// What became of a request as the JSON of GET /requests/{id}/why.

#include <nlohmann/json_fwd.hpp>

#include "server/request_accounts.h"

namespace tinyllm {

// {"id", "request_id", "texts": [{"prompt", "choice", "state", "finish_reason",
//   "time": {"queued_s", "first_token_s", "total_s"},
//   "prompt_tokens": {"all", "cached", "steps", "kv_store_blocks"},
//   "cache": {"why", "common_tokens", "token_id", "token", "sentence"},
//   "answer_tokens": {"all", "steps"}, "preemptions", "drafts": {"steps", "proposed", "accepted"},
//   "steps": {"alone": {"n", "seconds"}, "shared": {...}},
//   "decode": {"n", "seconds", "weight_bytes_per_step", "weight_bytes_per_second"}}]}
// null: not yet, or not to be told. `cache` has of the prompt the asker's own token only.
nlohmann::ordered_json account_json(const KeptAccounts& kept);

}  // namespace tinyllm
