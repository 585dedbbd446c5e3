#pragma once
// The flags that say how a model is run, shared by all commands that run one.

#include <cstdint>
#include <string>

#include "apps/command.h"
#include "client/completer.h"
#include "engine/engine_options.h"

namespace tinyllm {

struct DeviceFlags {
  std::string device = "cpu";  // "cuda", "cuda:1" or "auto"
  bool deterministic = false;  // on a GPU
  bool exact_float = false;    // on the CPU
};

// What a run may want otherwise than the model's file.
struct ContextFlags {
  std::int64_t window = 0, sinks = 0;  // positions that a token sees; 0: as the file says
  std::string rope_scaling;            // "yarn:4"; empty: as the file says
};

struct EngineFlags : DeviceFlags {
  std::string engine = "batched";  // or "reference"
  int n_threads = 0;               // 0: default_thread_count()
  std::int64_t context = 0;        // positions; 0: the command's own default
  ContextFlags sight;              // --window, --sinks, --rope-scaling
  std::string kv_type = "bf16";    // "int8", "fp8", "q4" or "f32"
  std::string quantize;            // "q8", "q4"; empty: the file's own formats
  std::string speculate = "auto";  // "suffix", "model" or "off"
  std::string draft_model;         // a name; empty: none
  std::int32_t kv_blocks = 0;      // 0: from free memory
  std::string kv_store;            // "DIR" or "DIR:SIZE"; empty: none
  std::int32_t max_num_seqs = 0;   // 0: the engine's default
  std::int32_t max_num_batched_tokens = 0;
  bool profile = false;    // chat, generate: say at the end where the time went
  bool recompute = false;  // reference only: keep no K/V rows

  bool reference() const { return engine == "reference"; }
};

// --device, --deterministic and --exact-float.
void add_device_options(Command command, DeviceFlags& flags);
// Throws Error{usage} for what is no device.
DeviceSpec device_of(const DeviceFlags& flags);
// --window, --sinks and --rope-scaling.
void add_context_options(Command command, ContextFlags& flags);
// What open_checkpoint takes (client/open_model.h). Throws Error{usage}.
ContextSettings context_settings(const ContextFlags& flags);
// --engine, --threads, --context and the K/V memory of one sequence at a time.
void add_engine_options(Command command, EngineFlags& flags);
// --kv-type, and the type of one of its words.
void add_kv_type_option(Command command, std::string& kv_type);
KvType kv_type_of(const std::string& word);
// --kv-store, for commands whose prompts may be found again.
void add_kv_store_option(Command command, EngineFlags& flags);
// --draft-model.
void add_draft_model_option(Command command, EngineFlags& flags);
// --profile, for commands whose completer may tell (client/completer.h).
void add_profile_option(Command command, EngineFlags& flags);
// Throws Error{usage} where --profile cannot tell: the reference path has no steps.
void check_profile(const EngineFlags& flags);
// For commands that run many sequences together: no --engine, since the reference path runs one.
void add_batched_engine_options(Command command, EngineFlags& flags);

// What open_engine takes; fields that were not given stay at the engine's defaults. Throws
// Error{usage} for flags that do not go together.
EngineOptions engine_options(const EngineFlags& flags);
// What make_completer takes, with room for `context` positions.
CompleterOptions completer_options(const EngineFlags& flags, std::int64_t context);

}  // namespace tinyllm
