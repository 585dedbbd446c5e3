#include "loader/weight_names.h"

#include <fmt/core.h>

namespace tinyllm {

std::string weight_name(WeightNaming naming, const WeightName& name, WeightPart part) {
  return fmt::format("{}.{}", naming == WeightNaming::gguf ? name.gguf : name.hugging_face,
                     part == WeightPart::weight ? "weight" : "bias");
}

std::string layer_weight_name(WeightNaming naming, std::int64_t layer, const WeightName& name,
                              WeightPart part) {
  return fmt::format("{}.{}.{}", naming == WeightNaming::gguf ? "blk" : "model.layers", layer,
                     weight_name(naming, name, part));
}

std::string expert_weight_name(std::int64_t layer, std::int64_t expert, const WeightName& name) {
  return fmt::format("model.layers.{}.mlp.experts.{}.{}.weight", layer, expert, name.hugging_face);
}

}  // namespace tinyllm
