// tinyllm bench: how fast a model runs here.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

#include "api/step_profile.h"
#include "apps/bench_runs.h"
#include "apps/bench_speculate.h"
#include "apps/commands.h"
#include "apps/engine_options.h"
#include "apps/loading_bar.h"
#include "apps/options.h"
#include "apps/profile_table.h"
#include "apps/progress_bar.h"
#include "apps/read_bandwidth.h"
#include "apps/standard_output.h"
#include "base/error.h"
#include "client/open_model.h"
#include "client/read_stream.h"
#include "engine/engine_kernels.h"
#include "engine/engine_options.h"
#include "text/model_text.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

struct BenchCommand : DeviceFlags {
  std::string model;
  int n_threads = 0;
  ContextFlags sight;
  int max_num_batched_tokens = 512;
  int n_prompt = 512, n_gen = 64, n_repeats = 5;
  std::vector<int> batches = {1, 8, 32};
  std::string draft_model;
  bool as_json = false, with_profile = false, only_bandwidth = false, speculates = false;
  bool only_kernels = false;
  std::shared_ptr<StepProfile> profile;  // with --profile
};

struct Results {
  Runs prefill, decode;
  std::vector<Runs> batches;  // as BenchCommand::batches
  ReadBandwidth read_bandwidth;
};

// Random ids, each prompt its own: nothing that a cache or a likely text could speed up.
Request random_request(std::int64_t vocab_size, int n_prompt, int n_gen, unsigned seed) {
  std::mt19937 random(seed);
  Request request;
  for (int i = 0; i < n_prompt; ++i)
    request.prompt_ids.push_back(static_cast<TokenId>(random() % vocab_size));
  request.params.temperature = 0;
  request.params.max_tokens = n_gen;
  request.params.ignore_eos = true;
  return request;
}

using TimePoint = std::chrono::steady_clock::time_point;

// When the engine made each token of a sequence. (When it is read here depends on who has the CPU.)
std::vector<TimePoint> token_times(RequestStream& stream) {
  std::vector<TimePoint> times;
  read_stream(stream, [&](OutputPiece&& piece) {
    if (!piece.token_ids.empty()) times.push_back(piece.time);
  });
  return times;
}

double prefill_rate(Engine& engine, const BenchCommand& command) {
  const TimePoint begin = std::chrono::steady_clock::now();
  const std::vector<TimePoint> times = token_times(
      *engine.submit(random_request(engine.vocab_size(), command.n_prompt, 1, /*seed=*/1)));
  return command.n_prompt / std::chrono::duration<double>(times.front() - begin).count();
}

// `n` sequences that begin with one token and run together in every step. The time counts from when
// each of them has its first.
double decode_rate(Engine& engine, const BenchCommand& command, int n) {
  std::vector<std::shared_ptr<RequestStream>> streams;
  for (int i = 0; i < n; ++i) {
    streams.push_back(engine.submit(
        random_request(engine.vocab_size(), 1, command.n_gen + 1, static_cast<unsigned>(i))));
  }
  std::vector<TimePoint> all;
  TimePoint begin{};
  for (const auto& stream : streams) {
    const std::vector<TimePoint> times = token_times(*stream);
    begin = std::max(begin, times.front());
    all.insert(all.end(), times.begin(), times.end());
  }
  const auto n_counted = std::ranges::count_if(all, [&](TimePoint time) { return time > begin; });
  return static_cast<double>(n_counted) /
         std::chrono::duration<double>(std::ranges::max(all) - begin).count();
}

std::unique_ptr<Engine> open_for(const BenchCommand& command, const Checkpoint& checkpoint) {
  const int widest = std::ranges::max(command.batches);
  EngineOptions options;
  options.device = device_of(command);
  options.n_threads = command.n_threads;
  options.prefix_cache = false;
  options.speculation = Speculation::off;
  options.profile = command.profile;
  options.limits.max_model_len = std::max(command.n_prompt, command.n_gen + 1) + 1;
  options.limits.max_num_seqs = widest;
  options.limits.max_num_batched_tokens = std::max(command.max_num_batched_tokens, widest);
  KvSpec& kv = options.kv;
  kv.n_blocks =
      std::max(kv.blocks_for(command.n_prompt + 1), widest * kv.blocks_for(command.n_gen + 2)) + 8;
  return load_engine(checkpoint, std::make_shared<const ModelText>(), options, LoadingBar());
}

Results measure(Engine& engine, const BenchCommand& command) {
  Results results;
  results.batches.resize(command.batches.size());
  const auto n_batches = static_cast<int>(command.batches.size());
  ProgressBar progress("measuring", command.n_repeats * (2 + n_batches) + 1);
  std::int64_t n_done = 0;
  const auto done = [&] { progress.update(++n_done); };
  progress.update(0);
  ThreadPool pool(engine.options().n_threads);
  BandwidthProbe probe(pool);
  token_times(*engine.submit(random_request(engine.vocab_size(), command.n_prompt, 4, 0)));
  done();
  for (int repeat = 0; repeat < command.n_repeats; ++repeat) {  // all kinds in turn: a slow minute
    results.prefill.values.push_back(prefill_rate(engine, command));  // hits them alike
    done();
    results.decode.values.push_back(decode_rate(engine, command, 1));
    done();
    probe.read_for(kProbeSeconds / command.n_repeats);
    for (std::size_t i = 0; i < command.batches.size(); ++i) {
      const int n = command.batches[i];
      results.batches[i].values.push_back(n == 1 ? results.decode.values.back()
                                                 : decode_rate(engine, command, n));
      done();
    }
  }
  results.read_bandwidth = probe.bandwidth();
  return results;
}

json runs_json(const Runs& runs) { return {{"runs", runs.values}, {"median", runs.median()}}; }

json to_json(const BenchCommand& command, const Engine& engine, const Results& results) {
  const auto n_bytes = static_cast<double>(engine.weight_bytes_a_token());
  json batch = json::object();
  for (std::size_t i = 0; i < command.batches.size(); ++i) {
    batch[std::to_string(command.batches[i])] = {{"total_tok_s", results.batches[i].median()},
                                                 {"runs", results.batches[i].values}};
  }
  return {{"model", command.model},
          {"threads", engine.options().n_threads},
          {"prompt", command.n_prompt},
          {"gen", command.n_gen},
          {"prefill_tok_s", runs_json(results.prefill)},
          {"decode_tok_s", runs_json(results.decode)},
          {"batch", batch},
          {"packed_bytes_per_token", engine.weight_bytes_a_token()},
          {"decode_gb_s", n_bytes * results.decode.median() / 1e9},
          {"read_bandwidth_gb_s", results.read_bandwidth.sustained / 1e9},
          {"best_read_bandwidth_gb_s", results.read_bandwidth.best / 1e9},
          {"read_bandwidth_share",
           n_bytes * results.decode.median() / results.read_bandwidth.sustained}};
}

std::string table_row(const std::string& what, const Runs& runs) {
  std::string row = fmt::format("{:<22}{:>10.1f}   ", what, runs.median());
  for (const double value : runs.values) row += fmt::format("{:>9.1f}", value);
  return row + "\n";
}

std::string to_table(const BenchCommand& command, const Engine& engine, const Results& results) {
  const auto n_bytes = static_cast<double>(engine.weight_bytes_a_token());
  std::string text = fmt::format("{}, {} threads; tokens a second\n\n{:<22}{:>10}   {:>9}\n",
                                 command.model, engine.options().n_threads, "", "median", "runs");
  text += table_row(fmt::format("prefill {}", command.n_prompt), results.prefill);
  text += table_row(fmt::format("decode {}", command.n_gen), results.decode);
  for (std::size_t i = 0; i < command.batches.size(); ++i) {
    if (command.batches[i] == 1) continue;
    text += table_row(fmt::format("decode {} x {}", command.n_gen, command.batches[i]),
                      results.batches[i]);
  }
  const double read = n_bytes * results.decode.median();
  return text + fmt::format(
                    "\na token reads {:.1f} MB of weights: {:.1f} GB/s, {:.0f} % of the {:.1f} "
                    "GB/s at which {} threads read this machine's memory by turns with it ({:.1f} "
                    "at best)\n",
                    n_bytes / 1e6, read / 1e9, 100 * read / results.read_bandwidth.sustained,
                    results.read_bandwidth.sustained / 1e9, engine.options().n_threads,
                    results.read_bandwidth.best / 1e9);
}

void run_bench(const BenchCommand& command) {
  const Checkpoint checkpoint = open_checkpoint(command.model, context_settings(command.sight));
  std::unique_ptr<Engine> engine = open_for(command, checkpoint);
  const Results results = measure(*engine, command);
  json report = to_json(command, *engine, results);
  std::string table = to_table(command, *engine, results);
  engine.reset();  // the profile is whole now
  if (command.profile != nullptr) {
    report["profile"] = json::parse(profile_json(*command.profile));
    table += profile_table(*command.profile);
  }
  write_stdout(command.as_json ? report.dump() + "\n" : table);
}

void run_read_bandwidth(const BenchCommand& command) {
  ThreadPool pool(command.n_threads > 0 ? command.n_threads : default_thread_count());
  const ReadBandwidth bandwidth = measure_read_bandwidth(pool);
  write_stdout(fmt::format("{:.1f} GB/s with {} thread{}, {:.1f} at best\n",
                           bandwidth.sustained / 1e9, pool.n_workers(),
                           pool.n_workers() == 1 ? "" : "s", bandwidth.best / 1e9));
}

}  // namespace

void add_bench_command(Command app) {
  Command command = app.add_subcommand("bench", "How fast a model runs on this machine");
  auto options = std::make_shared<BenchCommand>();
  const Option model = add_model_option(command, options->model);
  model.required(false);
  const auto count = [&](const char* name, int& value, int most, const char* help) {
    command.add_option(name, value, help).in_range(1, most).type_name("N").show_default();
  };
  count("--prompt", options->n_prompt, 1 << 20, "Tokens of the prompt that is read");
  count("--gen", options->n_gen, 1 << 20, "Tokens that are generated, after a prompt of one token");
  command
      .add_option("--batch", options->batches,
                  "Sequences that generate together; several sizes with commas")
      .delimiter(',')
      .in_range(1, 1024)
      .type_name("N,N")
      .default_text("1,8,32");
  command.add_option("-t,--threads", options->n_threads, "Worker threads (default: physical cores)")
      .in_range(1, 256)
      .type_name("N");
  add_device_options(command, *options);
  add_context_options(command, options->sight);
  count("--max-num-batched-tokens", options->max_num_batched_tokens, 1 << 16,
        "Tokens of one step; longer prompts are cut into chunks");
  count("--repeat", options->n_repeats, 1000, "Runs of each measurement; the median counts");
  command.add_flag("--profile", options->with_profile,
                   "Also where the time of prefill and decoding went");
  command.add_flag("--json", options->as_json, "One JSON object instead of the table");
  command.add_flag("--read-bandwidth", options->only_bandwidth,
                   "No model: only how fast all threads together read this machine's memory");
  command.add_flag("--kernels", options->only_kernels,
                   "No model: only which kernels this CPU has, best first");
  command.add_flag("--speculate", options->speculates,
                   "Only what drafts are worth: several kinds of text with and without, by turns");
  command
      .add_option("--draft-model", options->draft_model,
                  "With --speculate: a smaller model that guesses, besides what was written before")
      .type_name("MODEL");
  add_examples(
      command,
      "  tinyllm bench -m smollm2-135m\n"
      "  tinyllm bench -m random:qwen2.5-0.5b:q4_0 --batch 1,4 --repeat 3 --json\n\n"
      "The prompt is random tokens. Decoding starts from an empty context. Other work on\n"
      "the machine shows in the runs: compare two programs in interleaved runs, as ratios.");
  command.callback([options] {
    if (options->only_kernels) return write_stdout(engine_kernels() + "\n");
    if (options->only_bandwidth) return run_read_bandwidth(*options);
    if (options->model.empty()) fail(ErrorCode::usage, "--model is required");
    if (!options->draft_model.empty() && !options->speculates)
      fail(ErrorCode::usage, "--draft-model works with --speculate only");
    if (options->speculates)
      return run_bench_speculate({.model = options->model,
                                  .draft_model = options->draft_model,
                                  .context = context_settings(options->sight),
                                  .n_threads = options->n_threads,
                                  .n_gen = options->n_gen,
                                  .n_repeats = options->n_repeats,
                                  .as_json = options->as_json});
    if (options->with_profile) options->profile = std::make_shared<StepProfile>();
    run_bench(*options);
  });
}

}  // namespace tinyllm
