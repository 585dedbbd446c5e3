// The engine on the GPU: tiny models against the reference path.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "client/prove.h"
#include "engine/tiny_engine_test.h"
#include "kernels/cuda/device_array_test.h"
#include "loader/random_checkpoint.h"
#include "reference/generate.h"

namespace tinyllm {
namespace {

double difference(const std::vector<float>& got, const std::vector<float>& want) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double delta = double{got[i]} - double{want[i]};
    difference += delta * delta;
    size += double{want[i]} * double{want[i]};
  }
  return std::sqrt(difference / size);
}

EngineOptions gpu_options() {
  EngineOptions options = small_options();
  options.device.kind = DeviceKind::cuda;
  options.kv.type = KvType::bf16;
  return options;
}

// One of the folders; or, as the GPU takes heads of multiples of 8 only, random weights.
Checkpoint checkpoint_of(const std::string& name, ThreadPool& pool) {
  return name.find('-') != std::string::npos
             ? Checkpoint::open(tiny_model(name))
             : make_random_checkpoint(name, small_config(name), DType::bf16, pool);
}

class CudaEngine : public testing::TestWithParam<const char*> {
 protected:
  std::unique_ptr<Engine> open_on_gpu() const {
    return open_engine(checkpoint_, std::make_shared<ModelText>(), gpu_options(),
                       [](std::int64_t, std::int64_t) {});
  }
  ThreadPool pool_{2};
  Checkpoint checkpoint_ = checkpoint_of(GetParam(), pool_);
};

// Weights and activations are bf16 here: 8 bits of a mantissa, in a handful of layers.
TEST_P(CudaEngine, LogitsAreTheReferences) {
  REQUIRE_GPU();
  reference::Model oracle(checkpoint_, pool_, 256);
  const std::unique_ptr<Engine> engine = open_on_gpu();
  for (const std::int64_t n_prompt : {1, 2, 3, 15, 33, 64, 130}) {
    const Request request = greedy(random_prompt(n_prompt, static_cast<unsigned>(n_prompt)), 1);
    const reference::GenerateResult want = reference::generate(
        oracle, request.prompt_ids, request.params, {}, [](std::int32_t) { return true; });
    oracle.rewind(0);
    const Answer got = read_all(*engine->submit(request)).front();
    EXPECT_LE(difference(got.prompt_logits, want.prompt_logits), 2e-2) << n_prompt << " tokens";
  }
}

// A text alone, beside others in one recorded step, and alone once more.
TEST_P(CudaEngine, AnswersAloneAndTogether) {
  REQUIRE_GPU();
  const std::unique_ptr<Engine> engine = open_on_gpu();
  const Request request = greedy(random_prompt(20, 1), 24);
  const Answer alone = read_all(*engine->submit(request)).front();
  EXPECT_EQ(alone.token_ids.size(), 24u);
  std::vector<std::shared_ptr<RequestStream>> others;
  for (unsigned i = 2; i < 8; ++i)
    others.push_back(engine->submit(greedy(random_prompt(20, i), 24)));
  const Answer together = read_all(*engine->submit(request)).front();
  for (const auto& other : others) EXPECT_EQ(read_all(*other).front().token_ids.size(), 24u);
  EXPECT_LE(difference(together.prompt_logits, alone.prompt_logits), 2e-2);
  EXPECT_EQ(read_all(*engine->submit(request)).front().token_ids, alone.token_ids);
}

INSTANTIATE_TEST_SUITE_P(Tiny, CudaEngine,
                         testing::Values("llama-bf16-tied", "llama-f16-untied-linear-mlp-bias",
                                         "qwen2-bf16-tied", "qwen2moe-f32-untied", "qwen3",
                                         "qwen2moe", "qwen3moe"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

// --deterministic: the bits of a text alone, in chunks, in a crowd, from the prefix cache, after preemption
// and with drafts. Longer than a fixed split of attention; heads that have the fast kernels.
using DeterminismCase = std::pair<const char*, DType>;

class CudaDeterminism : public testing::TestWithParam<DeterminismCase> {};

TEST_P(CudaDeterminism, TheSameBitsInEveryCompany) {
  REQUIRE_GPU();
  const auto [architecture, dtype] = GetParam();
  ModelConfig config = small_config(architecture);
  config.hidden_size = 512;
  config.intermediate_size = 768;
  config.n_heads = 8;
  config.head_dim = 64;
  config.max_seq_len = 1024;
  if (config.moe.n_experts > 0) config.moe.intermediate_size = 256;
  if (config.moe.shared_intermediate_size > 0) config.moe.shared_intermediate_size = 512;
  ThreadPool pool(2);
  const Checkpoint checkpoint = make_random_checkpoint(architecture, config, dtype, pool);
  ProofOptions options;
  options.engine = gpu_options();
  options.engine.device.deterministic = true;
  options.prompt_ids = random_prompt(600, 3);
  int n_steps = 0;
  prove(checkpoint, std::make_shared<ModelText>(), options, [&](const ProofStep& step) {
    EXPECT_TRUE(step.met) << step.condition << ": " << step.what;
    EXPECT_TRUE(step.equal) << step.condition << ": " << step.what;
    ++n_steps;
  });
  EXPECT_EQ(n_steps, 7);
}

INSTANTIATE_TEST_SUITE_P(
    Random, CudaDeterminism,
    testing::Values(DeterminismCase("qwen3", DType::bf16), DeterminismCase("qwen2", DType::q4_k),
                    DeterminismCase("llama", DType::q8_0), DeterminismCase("qwen3moe", DType::bf16),
                    DeterminismCase("qwen3moe", DType::q4_k),
                    DeterminismCase("qwen2moe", DType::q4_0)),
    [](const auto& info) {
      return std::string(info.param.first) + "_" + std::string(name(info.param.second));
    });

TEST(CudaEngineErrors, HeadsOfOddSizesAreRefused) {
  REQUIRE_GPU();
  try {
    open("qwen3-f32-tied-yarn", gpu_options());
    FAIL() << "it ran";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
  }
}

}  // namespace
}  // namespace tinyllm
