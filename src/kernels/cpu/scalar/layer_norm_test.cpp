#include "kernels/cpu/scalar/layer_norm.h"

#include <gtest/gtest.h>

#include <vector>

namespace tinyllm::scalar {
namespace {

// torch.nn.functional.layer_norm in float64.
TEST(LayerNorm, Golden) {
  std::vector<float> x = {1.0f, 2.0f, 4.0f, -3.0f};
  const std::vector<float> weight = {1.0f, 2.0f, 0.5f, -1.0f}, bias = {0.0f, 1.0f, -1.0f, 0.25f};
  const std::vector<double> want = {0.0, 1.7844042040883503, -0.4116968469337372,
                                    1.8188084081767006};
  layer_norm(x.data(), weight.data(), bias.data(), x.data(), 4, 1e-3f);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], want[i], 1e-6) << i;
}

}  // namespace
}  // namespace tinyllm::scalar
