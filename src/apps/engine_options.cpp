#include "apps/engine_options.h"

#include "api/step_profile.h"
#include "base/error.h"
#include "client/open_model.h"

namespace tinyllm {
namespace {

void add_common_options(Command command, EngineFlags& flags) {
  add_device_options(command, flags);
  command.add_option("-t,--threads", flags.n_threads, "Worker threads (default: physical cores)")
      .in_range(1, 256)
      .type_name("N");
  command.add_option("-c,--context", flags.context, "Tokens that prompt and answer may fill")
      .in_range(1, 1 << 24)
      .type_name("N");
  add_context_options(command, flags.sight);
  add_kv_type_option(command, flags.kv_type);
  command
      .add_option("--quantize", flags.quantize,
                  "Quantise a float model as it loads, to 8 or 4 bits a weight")
      .one_of({"q8", "q4"});
  command
      .add_option(
          "--speculate", flags.speculate,
          "Guess tokens from what was written before, or by a draft model, and verify several in a "
          "step; the text stays the same. auto: both, on a GPU only if there is a draft model")
      .one_of({"auto", "suffix", "model", "off"})
      .show_default();
  add_draft_model_option(command, flags);
  command
      .add_option(
          "--kv-blocks", flags.kv_blocks,
          "Blocks of 32 tokens for keys and values (default: what a share of the free memory "
          "holds, at most a full context for each sequence)")
      .in_range(1, 1 << 28)
      .type_name("N");
  command
      .add_option("--max-num-batched-tokens", flags.max_num_batched_tokens,
                  "Tokens of one step (default 512); longer prompts are cut into chunks")
      .in_range(1, 1 << 16)
      .type_name("N");
}

}  // namespace

void add_kv_type_option(Command command, std::string& kv_type) {
  command
      .add_option(
          "--kv-type", kv_type,
          "Number format of keys and values; q4 is for models of 7 billion parameters or more")
      .one_of({"bf16", "int8", "fp8", "q4", "f32"})
      .show_default();
}

KvType kv_type_of(const std::string& word) {
  for (const KvType type : {KvType::f32, KvType::int8, KvType::fp8, KvType::q4}) {
    if (word == name(type)) return type;
  }
  return KvType::bf16;
}

void add_device_options(Command command, DeviceFlags& flags) {
  command
      .add_option(
          "--device", flags.device,
          "What computes: cpu, cuda (an NVIDIA GPU), cuda:N, or auto: a GPU if there is one")
      .type_name("NAME")
      .show_default();
  command.add_flag("--deterministic", flags.deterministic,
                   "On a GPU: a text's bits do not depend on what runs beside it, as on the CPU; "
                   "slower");
  command.add_flag("--exact-float", flags.exact_float,
                   "On a CPU that multiplies bf16: weights of bf16 meet activations that are not "
                   "rounded to bf16; prompts and batches are slower");
}

DeviceSpec device_of(const DeviceFlags& flags) {
  std::optional<DeviceSpec> device = parse_device(flags.device);
  if (!device)
    fail(ErrorCode::usage, "--device takes cpu, cuda, cuda:N or auto, not '{}'", flags.device);
  device->deterministic = flags.deterministic;
  device->exact_float = flags.exact_float;
  return *device;
}

void add_context_options(Command command, ContextFlags& flags) {
  command
      .add_option("--window", flags.window,
                  "A token sees the last N tokens only, so that a text may have any length; with "
                  "--sinks")
      .in_range(kMinWindow, 1 << 24)
      .type_name("N");
  command
      .add_option("--sinks", flags.sinks,
                  "With --window: the first N tokens stay in sight as well; 4 is usual")
      .in_range(0, 256)
      .type_name("N");
  command
      .add_option("--rope-scaling", flags.rope_scaling,
                  "Stretch the context F times, in place of what the file says: linear:F, yarn:F, "
                  "yarn:F,LENGTH where the model was trained for LENGTH tokens, or none")
      .type_name("KIND");
}

ContextSettings context_settings(const ContextFlags& flags) {
  ContextSettings settings{.window = flags.window, .sinks = flags.sinks, .rope_scaling = {}};
  if (!flags.rope_scaling.empty()) settings.rope_scaling = parse_rope_scaling(flags.rope_scaling);
  validate(settings);
  return settings;
}

void add_engine_options(Command command, EngineFlags& flags) {
  command.add_option("--engine", flags.engine, "What computes: the engine, or the plain f32 path")
      .one_of({"batched", "reference"})
      .show_default();
  flags.max_num_seqs = 1;
  add_common_options(command, flags);
}

void add_kv_store_option(Command command, EngineFlags& flags) {
  command
      .add_option(
          "--kv-store", flags.kv_store,
          "Keep keys and values of prompts and answers in this folder, so that a prompt that "
          "begins like an earlier one starts where that ended, also after a restart; SIZE as "
          "in 500M or 20G (default 16G)")
      .type_name("DIR[:SIZE]");
}

void add_draft_model_option(Command command, EngineFlags& flags) {
  command
      .add_option("--draft-model", flags.draft_model,
                  "A smaller model with the same vocabulary that guesses tokens")
      .type_name("MODEL");
}

void add_profile_option(Command command, EngineFlags& flags) {
  command.add_flag("--profile", flags.profile,
                   "At the end, on stderr: where the time of prefill and decoding went");
}

void check_profile(const EngineFlags& flags) {
  if (flags.profile && flags.reference())
    fail(ErrorCode::usage, "--profile works with --engine batched only");
}

void add_batched_engine_options(Command command, EngineFlags& flags) {
  add_common_options(command, flags);
  command
      .add_option("--max-num-seqs", flags.max_num_seqs,
                  "Sequences that run at the same time (default 32)")
      .in_range(1, 4096)
      .type_name("N");
}

EngineOptions engine_options(const EngineFlags& flags) {
  EngineOptions options;
  options.context = context_settings(flags.sight);
  options.device = device_of(flags);
  options.n_threads = flags.n_threads;
  options.limits.max_model_len = static_cast<std::int32_t>(flags.context);
  options.kv.type = kv_type_of(flags.kv_type);
  options.kv.n_blocks = flags.kv_blocks;
  options.speculation = parse_speculation(flags.speculate).value_or(Speculation::automatic);
  if (flags.reference() && (flags.speculate == "suffix" || flags.speculate == "model"))
    fail(ErrorCode::usage, "--speculate {} works with --engine batched only", flags.speculate);
  if (!flags.draft_model.empty()) {
    if (flags.reference()) fail(ErrorCode::usage, "--draft-model works with --engine batched only");
    options.draft_model = find_model(flags.draft_model);
  }
  if (!flags.kv_store.empty()) {
    if (flags.reference()) fail(ErrorCode::usage, "--kv-store works with --engine batched only");
    options.kv_store = parse_kv_store(flags.kv_store);
  }
  if (!flags.quantize.empty())
    options.quantise = flags.quantize == "q8" ? DType::q8_0 : DType::q4_k;
  if (flags.max_num_seqs > 0) options.limits.max_num_seqs = flags.max_num_seqs;
  if (flags.max_num_batched_tokens > 0) {
    options.limits.max_num_batched_tokens = flags.max_num_batched_tokens;
  }
  return options;
}

CompleterOptions completer_options(const EngineFlags& flags, std::int64_t context) {
  CompleterOptions options{engine_options(flags), flags.reference(), flags.recompute};
  options.engine.limits.max_model_len = static_cast<std::int32_t>(context);
  if (flags.profile) options.engine.profile = std::make_shared<StepProfile>();
  return options;
}

}  // namespace tinyllm
