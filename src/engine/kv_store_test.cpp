// Engines that keep their blocks on disk: the same bits from there as computed, after a restart,
// after preemption, and with a store that lies.

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>

#include "base/temp_folder_test.h"
#include "engine/random_load_test.h"
#include "engine/tiny_engine_test.h"

namespace tinyllm {
namespace {

using testing::error_of;
using testing::TempFolder;

EngineOptions stored_options(const TempFolder& folder) {
  EngineOptions options = small_options();
  options.kv_store.folder = folder.path() / "kv";
  return options;
}

Answer ask(Engine& engine, const Request& request) {
  return read_all(*engine.submit(request)).front();
}

void expect_equal(const Answer& got, const Answer& want) {
  EXPECT_EQ(got.token_ids, want.token_ids);
  EXPECT_EQ(got.prompt_logits, want.prompt_logits);
}

TEST(EngineKvStore, AfterARestartAKnownPromptBeginsAtItsLastBlock) {
  for (const char* model : {"qwen2-bf16-tied", "qwen3-f32-tied-yarn", "qwen2moe-f32-untied"}) {
    for (const KvType type : {KvType::f32, KvType::bf16, KvType::int8, KvType::fp8, KvType::q4}) {
      if (type == KvType::q4 && std::string(model).starts_with("qwen3")) continue;  // heads of 14
      const TempFolder folder;
      EngineOptions options = stored_options(folder);
      options.kv.type = type;
      EngineOptions plain = options;
      plain.kv_store = {};
      const Request request = greedy(random_prompt(100, 5), 30);
      const Answer want = ask(*open(model, plain), request);
      {
        const Answer first = ask(*open(model, options), request);
        expect_equal(first, want);
        EXPECT_EQ(first.n_cached_tokens, 0);
      }
      const auto engine = open(model, options);
      const Answer again = ask(*engine, request);
      expect_equal(again, want);
      EXPECT_EQ(again.n_cached_tokens, 96);
      EXPECT_EQ(engine->metrics().n_prompt_tokens.load(), 4u);
      // The answer was kept, too: of a text that goes on where it ended only the rest is computed.
      Request longer = request;
      longer.prompt_ids.insert(longer.prompt_ids.end(), want.token_ids.begin(),
                               want.token_ids.end());
      EXPECT_EQ(ask(*open(model, plain), longer).token_ids, ask(*engine, longer).token_ids);
      EXPECT_EQ(engine->kv_store_counts()->n_hits, 6u);
    }
  }
}

TEST(EngineKvStore, OthersSaltsFindNothing) {
  const TempFolder folder;
  Request request = greedy(random_prompt(100, 5), 4);
  request.cache_salt = "mine";
  ask(*open("qwen2-bf16-tied", stored_options(folder)), request);
  const auto engine = open("qwen2-bf16-tied", stored_options(folder));
  request.cache_salt = "yours";
  EXPECT_EQ(ask(*engine, request).n_cached_tokens, 0);
  request.cache_salt = "mine";
  EXPECT_EQ(ask(*engine, request).n_cached_tokens, 96);
}

// What the memory had no place for any more comes back from the disk.
TEST(EngineKvStore, EvictedPrefixesComeBack) {
  const TempFolder folder;
  EngineOptions options = stored_options(folder);
  options.kv.n_blocks = 16;  // a text and a half
  const auto engine = open("qwen2-bf16-tied", options);
  std::vector<Answer> first;
  for (unsigned text = 0; text < 4; ++text)
    first.push_back(ask(*engine, greedy(random_prompt(150, text), 20)));
  for (unsigned text = 0; text < 4; ++text) {
    const Answer again = ask(*engine, greedy(random_prompt(150, text), 20));
    expect_equal(again, first[text]);
    EXPECT_EQ(again.n_cached_tokens, 144);
  }
  EXPECT_GT(engine->kv_store_counts()->n_hits, 20u);
}

// Prompt log-probabilities need every position: such a prompt reads neither cache nor store.
TEST(EngineKvStore, PromptLogprobsReadNothing) {
  const TempFolder folder;
  Request request = greedy(random_prompt(60, 5), 4);
  ask(*open("qwen2-bf16-tied", stored_options(folder)), request);
  const auto engine = open("qwen2-bf16-tied", stored_options(folder));
  request.n_prompt_logprobs = 0;
  const Answer answer = ask(*engine, request);
  EXPECT_EQ(answer.n_cached_tokens, 0);
  EXPECT_EQ(answer.prompt_logprobs.size(), 59u);
}

// A block that is damaged is computed, and so are those behind it.
TEST(EngineKvStore, DamagedBlocksAreComputed) {
  const TempFolder folder;
  const EngineOptions options = stored_options(folder);
  const Request request = greedy(random_prompt(100, 5), 30);
  const Answer want = ask(*open("qwen2-bf16-tied", options), request);
  const auto path = options.kv_store.folder / "kv.blocks";
  const std::string right = read_text_file(path);
  const std::size_t block_bytes =
      static_cast<std::size_t>(open("qwen2-bf16-tied", options)->kv_store_counts()->block_bytes);
  for (std::size_t block = 0; block < 6; ++block) {
    std::string damaged = right;
    damaged[block * block_bytes + 11 * block] ^= 4;
    std::ofstream(path, std::ios::binary) << damaged;
    {
      const auto engine = open("qwen2-bf16-tied", options);
      const Answer answer = ask(*engine, request);
      expect_equal(answer, want);
      EXPECT_EQ(answer.n_cached_tokens, static_cast<std::int64_t>(16 * block));
      EXPECT_EQ(engine->kv_store_counts()->n_damaged, 1u);
    }
    // Computed again, it was written again.
    EXPECT_EQ(ask(*open("qwen2-bf16-tied", options), request).n_cached_tokens, 96);
  }
}

TEST(EngineKvStore, RandomLoadsGiveTheTextsOfLoneRuns) {
  for (const unsigned seed : {11u, 12u}) {
    const TempFolder folder;
    RandomLoad load;
    load.seed = seed;
    load.prompt = [](std::int64_t n, std::mt19937& random) {
      return random_prompt(n, static_cast<unsigned>(random() % 4));  // beginnings are shared
    };
    std::uint64_t n_hits = 0;
    load.open = [&](const EngineOptions& options) {
      EngineOptions with_store = options;
      if (!options.prefix_cache) with_store.kv_store = {};  // the lone runs
      return open("qwen2-bf16-tied", with_store, tiny_text());
    };
    load.options = stored_options(folder);
    load.options.kv.block_size = 8;
    load.options.limits.max_num_batched_tokens = 96;
    load.options.kv_store.staging_bytes = seed == 11 ? 1 : 1 << 20;
    load.options.kv_store.queue_bytes = seed == 11 ? 1 << 20 : 1 << 14;
    load.options.kv_store.max_bytes = seed == 11 ? 1 << 30 : 1 << 18;  // evicts all the time
    for (int round = 0; round < 3; ++round) {  // each finds what the ones before it left
      const RandomLoadReport report = run_random_load(load);
      EXPECT_GE(report.n_finished, 32);
      EXPECT_GT(report.n_preemptions, 0u);
    }
    const auto engine = open("qwen2-bf16-tied", load.options, tiny_text());
    EXPECT_GT(engine->kv_store_counts()->n_blocks, 8);
    ask(*engine, greedy(random_prompt(100, 1), 2));
    n_hits += engine->kv_store_counts()->n_hits;
    EXPECT_GT(n_hits, 0u);
  }
}

// A text that is cancelled or preempted while its blocks are on their way leaves nothing behind.
TEST(EngineKvStore, CancelsWhileLoading) {
  const TempFolder folder;
  EngineOptions options = stored_options(folder);
  options.kv_store.staging_bytes = 1;  // two blocks at a time
  const Request request = greedy(random_prompt(200, 5), 8);
  const Answer want = ask(*open("qwen2-bf16-tied", options), request);
  for (int round = 0; round < 20; ++round) {
    const auto engine = open("qwen2-bf16-tied", options);
    std::vector<std::shared_ptr<RequestStream>> streams;
    for (int i = 0; i < 4; ++i) streams.push_back(engine->submit(request));
    for (int i = 0; i < 3; ++i) {
      std::this_thread::sleep_for(std::chrono::microseconds(50 * round));
      engine->cancel(streams[static_cast<std::size_t>(i)]);
    }
    for (const auto& stream : streams) {
      const Answer answer = read_all(*stream).front();
      if (answer.finish_reason != FinishReason::cancelled) expect_equal(answer, want);
    }
    expect_equal(ask(*engine, request), want);
    random_load::expect_nothing_left(*engine);
  }
}

// Blocks before the window are stored before they are given back.
TEST(EngineKvStore, WindowsAndSinksComeBack) {
  const TempFolder folder;
  EngineOptions options = stored_options(folder);
  options.context = {.window = 40, .sinks = 4, .rope_scaling = {}};
  options.kv.n_blocks = 12;  // 192 positions
  options.limits.max_num_batched_tokens = 32;
  EngineOptions plain = options;
  plain.kv_store = {};
  plain.kv.n_blocks = 64;
  const Request request = greedy(random_prompt(150, 5), 60);
  const Answer want = ask(*open("qwen2-bf16-tied", plain), request);
  expect_equal(ask(*open("qwen2-bf16-tied", options), request), want);
  const auto engine = open("qwen2-bf16-tied", options);
  const Answer again = ask(*engine, request);
  expect_equal(again, want);
  EXPECT_EQ(again.n_cached_tokens, 144);
  options.context.sinks = 5;
  const std::string message =
      error_of(ErrorCode::invalid_input, [&] { open("qwen2-bf16-tied", options); });
  EXPECT_NE(message.find("holds keys and values computed with a window of 40 and 4 sinks, this run "
                         "wants a window of 40 and 5 sinks"),
            std::string::npos)
      << message;
}

TEST(EngineKvStore, WhatCannotHaveAStoreSaysSo) {
  const TempFolder folder;
  EngineOptions options = stored_options(folder);
  options.prefix_cache = false;
  EXPECT_EQ(error_of(ErrorCode::usage, [&] { open("qwen2-bf16-tied", options); }),
            "--kv-store keeps what the prefix cache finds; --no-prefix-cache turns that off");
  ask(*open("qwen2-bf16-tied", stored_options(folder)), greedy(random_prompt(60, 5), 4));
  const std::string message =
      error_of(ErrorCode::invalid_input, [&] { open("qwen2-f32-untied", stored_options(folder)); });
  EXPECT_NE(message.find("holds keys and values of another model (qwen2-bf16-tied, "),
            std::string::npos)
      << message;
}

}  // namespace
}  // namespace tinyllm
