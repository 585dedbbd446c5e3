// Steps of one token on the GPU, whose layers are one kernel: a text that is generated alone has the
// log probabilities that its tokens have as a prompt, which goes through the kernels of many rows.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <vector>

#include "base/log.h"
#include "engine/tiny_engine_test.h"
#include "kernels/cuda/device_array_test.h"
#include "loader/random_checkpoint.h"

namespace tinyllm {
namespace {

struct OneRowCase {
  const char* name;
  const char* architecture;
  DType dtype;
  std::int32_t hidden_size, n_heads, n_kv_heads, head_dim, intermediate_size;
};

class CudaOneRow : public testing::TestWithParam<OneRowCase> {
 protected:
  ~CudaOneRow() override { unsetenv("TINYLLM_ONE_ROW"); }
};

TEST_P(CudaOneRow, TokensAloneHaveTheLogprobsOfAPrompt) {
  REQUIRE_GPU();
  setenv("TINYLLM_ONE_ROW", "1", 1);  // these models are too small for it to pay
  const bool is_short = std::getenv("TINYLLM_SHORT") != nullptr;  // under compute-sanitizer
  if (is_short) configure_log(LogLevel::info);                    // which kernel it looked at
  const OneRowCase& c = GetParam();
  ModelConfig config = small_config(c.architecture);
  config.hidden_size = c.hidden_size;
  config.n_heads = c.n_heads;
  config.n_kv_heads = c.n_kv_heads;
  config.head_dim = c.head_dim;
  config.intermediate_size = c.intermediate_size;
  config.max_seq_len = 4096;
  ThreadPool pool(2);
  const Checkpoint checkpoint = make_random_checkpoint(c.architecture, config, c.dtype, pool);
  EngineOptions options = small_options();
  options.device.kind = DeviceKind::cuda;
  options.kv.type = KvType::bf16;
  options.kv.n_blocks = 256;
  options.limits.max_model_len = 4096;
  options.limits.max_num_batched_tokens = 512;
  const std::unique_ptr<Engine> engine = open_engine(checkpoint, std::make_shared<ModelText>(),
                                                     options, [](std::int64_t, std::int64_t) {});
  const std::size_t n_tokens = is_short ? 3 : 24;
  // One share of attention, and many.
  const std::vector<std::int64_t> all_lengths = {1, 15, 250, 2500};
  const std::vector<std::int64_t> short_lengths = {15, 40};
  for (const std::int64_t n_prompt : is_short ? short_lengths : all_lengths) {
    Request request = greedy(random_prompt(n_prompt, 5), static_cast<std::int32_t>(n_tokens));
    request.want_logits = false;
    request.params.n_logprobs = 0;
    const Answer alone = read_all(*engine->submit(request)).front();
    ASSERT_EQ(alone.logprobs.size(), n_tokens);
    Request whole = request;
    whole.prompt_ids.insert(whole.prompt_ids.end(), alone.token_ids.begin(), alone.token_ids.end());
    whole.params.max_tokens = 1;
    whole.n_prompt_logprobs = 0;
    const Answer prompt = read_all(*engine->submit(whole)).front();
    ASSERT_GE(prompt.prompt_logprobs.size(), n_tokens);
    double difference = 0, size = 0;
    const std::size_t first = prompt.prompt_logprobs.size() - n_tokens;
    for (std::size_t i = 0; i < n_tokens; ++i) {
      const double got = alone.logprobs[i].drawn.logprob;
      const double want = prompt.prompt_logprobs[first + i].drawn.logprob;
      difference += (got - want) * (got - want);
      size += want * want;
    }
    // On an H200 at most 0.0056; log probabilities of the neighbouring tokens are 0.02 to 0.24 off.
    EXPECT_LE(std::sqrt(difference / size), 1e-2) << n_prompt << " tokens";
    // Now with a prompt from the prefix cache, whose last token is a step of one token.
    const std::vector<TokenId> cached = read_all(*engine->submit(request)).front().token_ids;
    EXPECT_EQ(read_all(*engine->submit(request)).front().token_ids, cached);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Random, CudaOneRow,
    testing::Values(OneRowCase{"bf16", "qwen2", DType::bf16, 640, 14, 2, 64, 1216},
                    OneRowCase{"q_norm", "qwen3", DType::bf16, 512, 16, 8, 128, 1024},
                    OneRowCase{"q4_k", "qwen2", DType::q4_k, 768, 12, 4, 128, 8960},
                    OneRowCase{"q4_0", "llama", DType::q4_0, 640, 10, 2, 64, 4864},
                    OneRowCase{"q8_0", "qwen2", DType::q8_0, 640, 10, 10, 64, 1216},
                    OneRowCase{"one_kv_head", "qwen3", DType::q8_0, 512, 8, 1, 64, 1536}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace tinyllm
