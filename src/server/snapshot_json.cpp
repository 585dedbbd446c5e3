#include "server/snapshot_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

const char* name_of(LaneState state) {
  switch (state) {
    case LaneState::prefill: return "prefill";
    case LaneState::decode: return "decode";
    case LaneState::idle: break;
  }
  return "idle";
}

json lane_json(const EngineLane& lane) {
  return {{"row", lane.row_slot},
          {"request", lane.request_name},
          {"choice", lane.choice_idx},
          {"state", name_of(lane.state)},
          {"n_prompt", lane.n_prompt},
          {"n_cached", lane.n_cached},
          {"n_computed", lane.n_computed},
          {"n_generated", lane.n_generated},
          {"max_generated", lane.max_generated},
          {"n_blocks", lane.n_blocks}};
}

json kv_json(const EngineSnapshot& snapshot) {
  json map = json::array();
  for (const BlockRun& run : snapshot.blocks)
    map.push_back(json::array({run.holder, run.n_blocks}));
  return {{"n_blocks", snapshot.n_blocks},
          {"block_size", snapshot.block_size},
          {"n_free", snapshot.n_free - snapshot.n_cached},
          {"n_cached", snapshot.n_cached},
          {"n_used", snapshot.n_blocks - snapshot.n_free},
          {"map", std::move(map)}};
}

}  // namespace

json snapshot_json(const EngineSnapshot& snapshot) {
  json lanes = json::array(), waiting = json::array(), steps = json::array();
  for (const EngineLane& lane : snapshot.lanes) lanes.push_back(lane_json(lane));
  for (const WaitingRequest& it : snapshot.waiting)
    waiting.push_back(
        {{"request", it.request_name}, {"choice", it.choice_idx}, {"n_prompt", it.n_prompt}});
  for (const StepCounts& step : snapshot.recent) {
    const double ms = std::round(static_cast<double>(step.ms) * 100) / 100;
    steps.push_back(json::array({step.step_id, step.n_prefill, step.n_decode, ms}));
  }
  return {{"step", snapshot.n_steps},
          {"rows", snapshot.max_num_seqs},
          {"lanes", std::move(lanes)},
          {"queue", {{"n", snapshot.n_waiting}, {"first", std::move(waiting)}}},
          {"kv", kv_json(snapshot)},
          {"steps", std::move(steps)},
          {"drafts", {{"n", snapshot.n_drafts}, {"accepted_at", snapshot.n_accepted_at}}}};
}

}  // namespace tinyllm
