// This engine as one of the programs that tools/peers.py compares. One process a model; each line
// of stdin asks for one measurement, each answer is one line of JSON on stdout:
//   ready after loading    {"load_s": seconds, "packed_bytes_per_token": bytes}
//   single                 {"prefill": tokens a second, "decode": tokens a second}
//   together               {"total": generated tokens a second of all sequences, prompts included}
//   context N              {"decode": tokens a second after N positions, which stay computed}
// With `probe` for a model it answers every line with how fast memory is read now:
//                          {"read_bandwidth": bytes a second}
//
// usage: peer_worker MODEL THREADS N_PROMPT N_GEN N_SEQS [context] | peer_worker probe THREADS
//   N_PROMPT: of `single`, or the largest N of `context`, which needs the last word: it keeps
//   prefixes.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "apps/read_bandwidth.h"
#include "base/clock.h"
#include "engine/engine_options.h"
#include "engine/open_engine.h"

namespace tinyllm {
namespace {

struct Settings {
  std::string model;
  int n_threads, n_prompt, n_gen, n_seqs;
  bool keeps_prefixes;
};

// The prompts of every worker: token ids that any model has, different in every run.
Request make_request(int n_prompt, int n_gen, int run) {
  Request request;
  for (int i = 0; i < n_prompt; ++i) request.prompt_ids.push_back(100 + (i * 37 + run * 11) % 4000);
  request.params.temperature = 0;
  request.params.max_tokens = n_gen;
  request.params.ignore_eos = true;
  return request;
}

struct Speed {
  double prefill, decode;  // tokens a second
};

Speed run_one(Engine& engine, int n_prompt, int n_gen, int run) {
  const Stopwatch clock;
  const auto stream = engine.submit(make_request(n_prompt, n_gen + 1, run));
  double first_s = 0;
  int n_tokens = 0;
  while (const auto piece = stream->next()) {
    if (n_tokens == 0) first_s = clock.seconds();
    n_tokens += static_cast<int>(piece->token_ids.size());
  }
  return {n_prompt / first_s, (n_tokens - 1) / (clock.seconds() - first_s)};
}

void run_single(Engine& engine, const Settings& settings, int run) {
  const Speed speed = run_one(engine, settings.n_prompt, settings.n_gen, run);
  std::printf("{\"prefill\": %.2f, \"decode\": %.3f}\n", speed.prefill, speed.decode);
}

// The same prompt each time: all but the first find it in the prefix cache.
void run_context(Engine& engine, const Settings& settings, int n_context) {
  std::printf("{\"decode\": %.3f}\n", run_one(engine, n_context, settings.n_gen, 0).decode);
}

void run_together(Engine& engine, const Settings& settings, int run) {
  const Stopwatch clock;
  std::vector<std::shared_ptr<RequestStream>> streams;
  for (int i = 0; i < settings.n_seqs; ++i)
    streams.push_back(engine.submit(make_request(64, 64, run * settings.n_seqs + i)));
  int n_tokens = 0;
  for (const auto& stream : streams) {
    while (const auto piece = stream->next()) n_tokens += static_cast<int>(piece->token_ids.size());
  }
  std::printf("{\"total\": %.2f}\n", n_tokens / clock.seconds());
}

void serve(const Settings& settings) {
  EngineOptions options;
  options.n_threads = settings.n_threads;
  options.limits.max_model_len = std::max(settings.n_prompt + settings.n_gen, 128) + 64;
  options.limits.max_num_seqs = settings.n_seqs;
  options.prefix_cache = settings.keeps_prefixes;
  const Stopwatch clock;
  const auto engine = open_engine(settings.model, options, [](std::int64_t, std::int64_t) {});
  std::printf("{\"load_s\": %.3f, \"packed_bytes_per_token\": %lld}\n", clock.seconds(),
              static_cast<long long>(engine->weight_bytes_a_token()));
  std::fflush(stdout);
  char line[64];
  for (int run = 0; std::fgets(line, sizeof line, stdin) != nullptr; ++run) {
    int n_context = 0;
    if (std::strcmp(line, "single\n") == 0) {
      run_single(*engine, settings, run);
    } else if (std::sscanf(line, "context %d", &n_context) == 1) {
      run_context(*engine, settings, n_context);
    } else {
      run_together(*engine, settings, run);
    }
    std::fflush(stdout);
  }
}

void probe(int n_threads) {
  ThreadPool pool(n_threads);
  std::puts("{}");
  std::fflush(stdout);
  char line[64];
  while (std::fgets(line, sizeof line, stdin) != nullptr) {
    std::printf("{\"read_bandwidth\": %.0f}\n", measure_read_bandwidth(pool).sustained);
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace tinyllm

int main(int argc, char** argv) {
  const bool probes = argc == 3 && std::strcmp(argv[1], "probe") == 0;
  const bool keeps_prefixes = argc == 7 && std::strcmp(argv[6], "context") == 0;
  if (argc != 6 && !keeps_prefixes && !probes) {
    std::fputs("usage: peer_worker MODEL THREADS N_PROMPT N_GEN N_SEQS [context] | probe THREADS\n",
               stderr);
    return 2;
  }
  try {
    if (probes) {
      tinyllm::probe(std::atoi(argv[2]));
    } else {
      tinyllm::serve({argv[1], std::atoi(argv[2]), std::atoi(argv[3]), std::atoi(argv[4]),
                      std::atoi(argv[5]), keeps_prefixes});
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "peer_worker: %s\n", error.what());
    return 1;
  }
  return 0;
}
