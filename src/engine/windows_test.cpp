// Engines whose layers see windows: the same bits in any company, and blocks that are given back.

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "engine/random_load_test.h"
#include "engine/tiny_engine_test.h"

namespace tinyllm {
namespace {

struct Windowed {
  const char* model;
  ContextSettings context;
};

const Windowed kModels[] = {
    {"qwen2-bf16-tied", {.window = 24, .sinks = 4, .rope_scaling = {}}},
    {"qwen3-bf16-untied-yarn", {.window = 50, .sinks = 17, .rope_scaling = {}}},
    {"mistral-f32-untied-window", {}},
    {"qwen2-bf16-tied-upper-windows", {}},
    {"qwen3-bf16-tied-listed-windows", {.window = 30, .sinks = 2, .rope_scaling = {}}}};

EngineOptions options_of(const Windowed& windowed, KvType type) {
  EngineOptions options = small_options();
  options.context = windowed.context;
  options.kv.type = type;
  return options;
}

bool equal_to_the_bit(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

void expect_equal(const Answer& got, const Answer& want, const char* model, std::size_t i) {
  EXPECT_EQ(got.token_ids, want.token_ids) << model << " request " << i;
  EXPECT_TRUE(equal_to_the_bit(got.prompt_logits, want.prompt_logits)) << model << " request " << i;
}

// All at once, and then once more, where prefixes are cached.
void expect_answers(Engine& engine, const std::vector<Request>& requests,
                    const std::vector<Answer>& want, const char* model) {
  std::vector<std::shared_ptr<RequestStream>> streams;
  for (const Request& request : requests) streams.push_back(engine.submit(request));
  for (std::size_t i = 0; i < requests.size(); ++i)
    expect_equal(read_all(*streams[i]).front(), want[i], model, i);
  for (std::size_t i = 0; i < requests.size(); ++i)
    expect_equal(read_all(*engine.submit(requests[i])).front(), want[i], model, i);
}

TEST(Windows, LogitsAreBitEqualInAnyCompany) {
  std::uint64_t n_preemptions = 0;
  for (const Windowed& windowed : kModels) {
    for (const KvType type : {KvType::f32, KvType::int8, KvType::fp8}) {
      std::vector<Request> requests;
      for (unsigned i = 0; i < 10; ++i)
        requests.push_back(greedy(random_prompt(5 + 24 * (i % 7), i % 4), 20));
      EngineOptions lone = options_of(windowed, type);
      lone.limits.max_num_seqs = 1;
      lone.prefix_cache = false;
      lone.limits.max_num_batched_tokens = 256;
      lone.speculation = Speculation::off;
      std::vector<Answer> want;
      {
        const std::unique_ptr<Engine> engine = open(windowed.model, lone);
        for (const Request& request : requests)
          want.push_back(read_all(*engine->submit(request)).front());
      }
      EngineOptions chunked = options_of(windowed, type), threads = chunked, tight = chunked;
      chunked.limits.max_num_batched_tokens = 8;
      threads.n_threads = 3;
      tight.kv.n_blocks = 16;  // preemption
      for (const EngineOptions& options : {chunked, threads, tight}) {
        const std::unique_ptr<Engine> engine = open(windowed.model, options);
        expect_answers(*engine, requests, want, windowed.model);
        n_preemptions += engine->metrics().n_preemptions.load();
        EXPECT_EQ(engine->metrics().n_free_blocks.load(), options.kv.n_blocks);
      }
    }
  }
  EXPECT_GT(n_preemptions, 0u);
}

TEST(Windows, EveryTextOfARandomLoadEqualsItsLoneRun) {
  for (const Windowed& windowed : {kModels[0], kModels[2]}) {
    RandomLoad load;
    load.prompt = [](std::int64_t n, std::mt19937& random) {
      return random_prompt(n, static_cast<unsigned>(random() % 4));  // beginnings are shared
    };
    load.open = [&](const EngineOptions& options) {
      return open(windowed.model, options, tiny_text());
    };
    load.options = options_of(windowed, KvType::bf16);
    load.options.limits.max_num_batched_tokens = 96;
    EXPECT_GE(run_random_load(load).n_finished, 32);
  }
}

// 11 blocks of 16 hold 176 positions: the text has 1000.
TEST(Windows, ATextMayBeLongerThanTheMemory) {
  EngineOptions options = options_of(kModels[0], KvType::f32);
  options.limits.max_model_len = 1000;
  options.limits.max_num_batched_tokens = 64;
  options.kv.n_blocks = 11;
  const Request request = greedy(random_prompt(500, 3), 500);
  const Answer got = read_all(*open(kModels[0].model, options)->submit(request)).front();
  options.kv.n_blocks = 64;
  const Answer want = read_all(*open(kModels[0].model, options)->submit(request)).front();
  EXPECT_EQ(got.token_ids.size(), 500u);
  EXPECT_EQ(got.token_ids, want.token_ids);
}

// A talk of many turns in a memory that holds a part of it: what was said is never computed again.
TEST(Windows, ATalkGoesOnWithoutComputingItAgain) {
  EngineOptions options = options_of(kModels[0], KvType::f32), plain = options;
  options.limits.max_model_len = plain.limits.max_model_len = 1000;
  options.kv.n_blocks = 16;  // 256 positions
  plain.prefix_cache = false;
  const auto engine = open(kModels[0].model, options), alone = open(kModels[0].model, plain);
  std::vector<TokenId> talk = random_prompt(100, 1);
  for (unsigned turn = 0; turn < 12; ++turn) {
    const Request request = greedy(talk, 40);
    const Answer got = read_all(*engine->submit(request)).front();
    expect_equal(got, read_all(*alone->submit(request)).front(), kModels[0].model, turn);
    if (turn > 0) {
      EXPECT_GE(got.n_cached_tokens, std::ssize(talk) - 20 - 16) << "turn " << turn;
    }
    talk.insert(talk.end(), got.token_ids.begin(), got.token_ids.end());
    const std::vector<TokenId> question = random_prompt(20, 100 + turn);
    talk.insert(talk.end(), question.begin(), question.end());
  }
  EXPECT_GT(talk.size(), 800u);
}

// Where some layer sees everything, nothing can be given back.
TEST(Windows, MixedLayersKeepTheWholeText) {
  EngineOptions options = options_of(kModels[3], KvType::f32);
  options.kv.n_blocks = 8;
  EXPECT_EQ(open(kModels[3].model, options)->max_model_len(), 128);
}

}  // namespace
}  // namespace tinyllm
