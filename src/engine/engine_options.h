#pragma once
// How an engine is set up. A plain struct; open_engine resolves what is left at 0.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "api/device_spec.h"
#include "api/kv_spec.h"
#include "api/kv_store.h"
#include "api/schedule_policy.h"
#include "api/speculation.h"
#include "api/step_limits.h"
#include "loader/context_settings.h"
#include "tensor/dtype.h"

namespace tinyllm {

class StepProfile;
class StepTrace;

struct EngineOptions {
  DeviceSpec device;  // what computes
  int n_threads = 0;  // of the CPU's work; 0: one for each physical core
  // max_model_len 0: what the model was trained for, at most 32768.
  StepLimits limits;
  // n_blocks 0: what memory_share of the free memory holds, at most a full context for each of
  // max_num_seqs.
  KvSpec kv;
  double memory_share = 0.5;  // of the memory that is free once the weights are loaded
  // What the run wants otherwise than the model's file: for whoever opens the checkpoint.
  ContextSettings context;
  std::optional<DType> quantise;  // float matrices become q8_0 or q4_k at load; empty: as they are
  bool prefix_cache = true;
  KvStoreSpec kv_store;             // keeps full blocks on disk; needs the prefix cache
  std::uint64_t prefix_secret = 0;  // keys the prefix hash; 0: random
  // Texts that may ask for raw logits at a time (Request::want_logits): each takes memory for a row
  // of the vocabulary.
  std::int32_t max_wanted_logits = 1;
  SchedulePolicy policy = SchedulePolicy::first_come_first_served;
  Speculation speculation = Speculation::automatic;
  std::string draft_model;           // as Checkpoint::open takes it; "": none
  bool drafts_always = false;        // every draft is made and verified, whatever it costs (proofs)
  std::shared_ptr<StepTrace> trace;  // told of every step and text; null: none
  std::shared_ptr<StepProfile> profile;  // gets where the time of steps went; null: none
};

}  // namespace tinyllm
