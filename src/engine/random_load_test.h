#pragma once
// A crowd of random requests against an engine that is too small for it, each answer compared with
// its lone run. Stop strings are cut out of the lone text, so that they lie wherever token borders
// happen to be; their effect is worked out here, by a plain search.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/utf8.h"
#include "engine/engine.h"
#include "engine/engine_options.h"

namespace tinyllm {

struct RandomLoad {
  unsigned seed = 1;
  int n_requests = 64;
  std::int64_t max_prompt = 100;
  int max_tokens = 60;
  std::function<std::vector<TokenId>(std::int64_t n_tokens, std::mt19937& random)> prompt;
  std::function<std::unique_ptr<Engine>(const EngineOptions& options)> open;
  // What some of the texts must look like; empty: like anything.
  std::function<std::shared_ptr<const TextConstraint>(std::mt19937& random)> constraint;
  EngineOptions options;  // block size, K/V type, threads, token budget; the rest is set here
};

struct RandomLoadReport {
  int n_finished = 0, n_cancelled = 0, n_stopped = 0;
  int n_stops_across_tokens = 0;  // matches that no single token holds
  std::int64_t n_blocks_wanted = 0, n_blocks = 0;
  std::uint64_t n_preemptions = 0, n_accepted_drafts = 0;
};

namespace random_load {

struct Reading {
  std::string text;
  std::vector<std::string> piece_texts;
  std::vector<TokenId> token_ids;
  FinishReason finish_reason = FinishReason::none;
  std::string stop_string, error;
};

inline Reading read(Engine& engine, const std::shared_ptr<RequestStream>& stream,
                    int cancel_after = -1) {
  Reading reading;
  int n_pieces = 0;
  if (cancel_after == 0) engine.cancel(stream);
  while (auto piece = stream->next()) {
    if (++n_pieces == cancel_after) engine.cancel(stream);
    reading.text += piece->text;
    reading.piece_texts.push_back(piece->text);
    reading.token_ids.insert(reading.token_ids.end(), piece->token_ids.begin(),
                             piece->token_ids.end());
    if (!piece->stop_string.empty()) reading.stop_string = piece->stop_string;
    reading.error += piece->error;
    if (piece->finish_reason != FinishReason::none) reading.finish_reason = piece->finish_reason;
  }
  return reading;
}

struct Wanted {
  Request request;
  std::string text;
  FinishReason finish_reason = FinishReason::length;
  bool stop_spans_tokens = false;
  int cancel_after = -1;  // pieces; -1: never
};

// Two to five characters out of the middle of `text`; empty when it is too short.
inline std::string some_part(const std::string& text, std::mt19937& random) {
  std::vector<std::size_t> starts;  // of characters
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0u) != 0x80u) starts.push_back(i);
  }
  if (starts.size() < 8) return "";
  const std::size_t first = 1 + random() % (starts.size() - 7);
  return text.substr(starts[first], starts[first + 2 + random() % 4] - starts[first]);
}

// What the request gives alone, and, for some of them, a stop string with what it must change.
inline Wanted lone_run(Engine& lone, Request request, std::mt19937& random) {
  Wanted wanted;
  const Reading reading = read(lone, lone.submit(request));
  wanted.text = reading.text;
  wanted.finish_reason = reading.finish_reason;
  if (!request.constraint) {
    EXPECT_EQ(reading.finish_reason, FinishReason::length);
  }
  const std::string stop = random() % 2 == 0 ? some_part(reading.text, random) : "";
  if (!stop.empty()) {
    request.params.stop = {"\x01 never", stop};
    wanted.text = reading.text.substr(0, reading.text.find(stop));
    wanted.finish_reason = FinishReason::stop;
    wanted.stop_spans_tokens = std::ranges::none_of(
        reading.piece_texts,
        [&](const std::string& piece) { return piece.find(stop) != piece.npos; });
  }
  if (random() % 6 == 0) wanted.cancel_after = static_cast<int>(random() % 6);
  wanted.request = std::move(request);
  return wanted;
}

inline Request random_request(const RandomLoad& load, std::mt19937& random) {
  Request request;
  request.prompt_ids =
      load.prompt(1 + static_cast<std::int64_t>(random() % load.max_prompt), random);
  request.params.max_tokens = 1 + static_cast<int>(random() % load.max_tokens);
  request.params.ignore_eos = true;
  request.params.temperature = random() % 2 == 0 ? 0.0f : 0.9f;
  request.params.repetition_penalty = random() % 3 == 0 ? 1.2f : 1.0f;
  request.params.seed = random();
  request.params.n_logprobs = random() % 4 == 0 ? 2 : -1;
  if (load.constraint && random() % 3 != 0) request.constraint = load.constraint(random);
  return request;
}

// One answer of the crowd against what it must be.
inline void compare(const Wanted& want, const Reading& got, std::size_t i,
                    RandomLoadReport& report) {
  EXPECT_EQ(got.error, "");
  if (got.finish_reason == FinishReason::cancelled) {
    EXPECT_GE(want.cancel_after, 0) << "request " << i << " was never cancelled";
    EXPECT_TRUE(want.text.starts_with(got.text)) << "request " << i;
    ++report.n_cancelled;
    return;
  }
  EXPECT_EQ(got.text, want.text) << "request " << i;
  EXPECT_EQ(got.finish_reason, want.finish_reason) << "request " << i;
  ++report.n_finished;
  if (want.finish_reason == FinishReason::stop && !want.request.params.stop.empty()) {
    EXPECT_EQ(got.stop_string, want.request.params.stop.back());
    ++report.n_stopped;
    report.n_stops_across_tokens += want.stop_spans_tokens ? 1 : 0;
  }
}

// Waits until the engine has let go of a stream: its map entry dies after the last piece.
inline void expect_forgotten(const std::shared_ptr<RequestStream>& stream) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (stream.use_count() > 1 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_EQ(stream.use_count(), 1) << "the engine still knows an ended request";
}

inline void expect_nothing_left(const Engine& engine) {
  const EngineMetrics& metrics = engine.metrics();
  EXPECT_EQ(metrics.n_free_blocks.load(), metrics.n_blocks.load());
  EXPECT_EQ(metrics.n_running.load(), 0);
  EXPECT_EQ(metrics.n_waiting.load(), 0);
  EXPECT_EQ(metrics.n_choices.load(),
            metrics.n_finished.load() + metrics.n_cancelled.load() + metrics.n_errors.load());
}

}  // namespace random_load

namespace random_load {

// All requests at once against an engine of their own; what they give is added up in the report.
inline void run_crowd(const RandomLoad& load, const EngineOptions& options,
                      const std::vector<Wanted>& wanted, RandomLoadReport& report) {
  const std::unique_ptr<Engine> engine = load.open(options);

  // Four clients that submit at once and read one answer after the other.
  std::vector<std::shared_ptr<RequestStream>> streams(wanted.size());
  std::vector<Reading> readings(wanted.size());
  constexpr std::size_t kClients = 4;
  std::vector<std::thread> clients;
  for (std::size_t client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      for (std::size_t i = client; i < wanted.size(); i += kClients)
        streams[i] = engine->submit(wanted[i].request);
      for (const bool cancels : {true, false}) {  // those first, before they have ended
        for (std::size_t i = client; i < wanted.size(); i += kClients) {
          if ((wanted[i].cancel_after >= 0) == cancels)
            readings[i] = read(*engine, streams[i], wanted[i].cancel_after);
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();

  const RandomLoadReport before = report;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    compare(wanted[i], readings[i], i, report);
    expect_forgotten(streams[i]);
  }
  const EngineMetrics& metrics = engine->metrics();
  report.n_preemptions += metrics.n_preemptions.load();
  report.n_accepted_drafts += metrics.n_accepted_tokens.load();
  EXPECT_EQ(metrics.n_finished.load(),
            static_cast<std::uint64_t>(report.n_finished - before.n_finished));
  EXPECT_EQ(metrics.n_cancelled.load(),
            static_cast<std::uint64_t>(report.n_cancelled - before.n_cancelled));
  expect_nothing_left(*engine);
}

}  // namespace random_load

inline RandomLoadReport run_random_load(const RandomLoad& load) {
  using namespace random_load;
  std::mt19937 random(load.seed);
  RandomLoadReport report;
  std::vector<Wanted> wanted;
  EngineOptions lone = load.options;
  lone.limits.max_num_seqs = 1;
  lone.prefix_cache = false;
  lone.speculation = Speculation::off;
  {
    const std::unique_ptr<Engine> engine = load.open(lone);
    for (int i = 0; i < load.n_requests; ++i)
      wanted.push_back(lone_run(*engine, random_request(load, random), random));
  }
  EngineOptions crowd = load.options;
  for (const Wanted& one : wanted) {
    report.n_blocks_wanted +=
        crowd.kv.blocks_for(std::ssize(one.request.prompt_ids) + one.request.params.max_tokens);
  }
  report.n_blocks = crowd.kv.n_blocks = static_cast<std::int32_t>(report.n_blocks_wanted / 10);
  crowd.limits.max_num_seqs = load.n_requests;
  // Once more where the clients had so little CPU time that their requests never met.
  for (int i = 0; i < 20 && report.n_preemptions == 0; ++i) run_crowd(load, crowd, wanted, report);
  return report;
}

}  // namespace tinyllm
