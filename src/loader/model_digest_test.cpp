#include "loader/model_digest.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <set>
#include <utility>

#include "loader/random_checkpoint.h"

namespace tinyllm {
namespace {

TEST(ModelDigest, TellsModelsApart) {
  ThreadPool pool(2);
  const auto digest = [&](const char* name, const ModelConfig& config, DType format) {
    return model_digest(make_random_checkpoint(name, config, format, pool), pool);
  };
  const ModelConfig config = small_config("qwen2");
  const std::string first = digest("one", config, DType::bf16);
  EXPECT_EQ(first.size(), 32u);
  EXPECT_EQ(digest("one", config, DType::bf16), first);
  ModelConfig longer = config;
  longer.rope_scaling.type = RopeScaling::Type::yarn;
  longer.rope_scaling.factor = 4;
  longer.rope_scaling.original_max_seq_len = 64;
  ModelConfig other_eps = config;
  other_eps.norm_eps = std::nextafter(config.norm_eps, 1.0f);
  ModelConfig windowed = config;
  windowed.windows.assign(2, {.window = 64, .sinks = 0});
  ModelConfig with_sinks = config;
  with_sinks.windows.assign(2, {.window = 64, .sinks = 4});
  const std::set<std::string> digests = {digest("one", windowed, DType::bf16),
                                         digest("one", with_sinks, DType::bf16),
                                         first,
                                         digest("one", config, DType::f32),
                                         digest("one", longer, DType::bf16),
                                         digest("one", other_eps, DType::bf16),
                                         digest("one", small_config("qwen3"), DType::bf16)};
  EXPECT_EQ(digests.size(), 7u);
}

// One bit of one weight.
TEST(ModelDigest, SeesEveryWeight) {
  ThreadPool pool(2);
  const Checkpoint model = make_random_checkpoint("m", small_config("llama"), DType::f32, pool);
  std::set<std::string> digests = {model_digest(model, pool)};
  for (const auto& [name, tensor] : model.tensors()) {
    TensorMap tensors = model.tensors();
    std::vector<Buffer> buffers;
    buffers.emplace_back(tensor.n_bytes());
    std::memcpy(buffers[0].data(), tensor.data, static_cast<std::size_t>(tensor.n_bytes()));
    buffers[0].data()[tensor.n_bytes() - 4] ^= std::byte{1};
    tensors[name].data = buffers[0].data();
    const Checkpoint changed =
        Checkpoint::from_memory("m", model.config(), tensors, std::move(buffers));
    EXPECT_TRUE(digests.insert(model_digest(changed, pool)).second) << name;
  }
}

}  // namespace
}  // namespace tinyllm
