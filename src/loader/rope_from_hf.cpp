#include "loader/rope_from_hf.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/quote.h"
#include "loader/yarn.h"

namespace tinyllm {
namespace {

// The object that holds the scaling, and its name. transformers 5 may nest it by the kind of layer.
struct RopeObject {
  const nlohmann::json* json;  // nullptr: none
  const char* path;
};

RopeObject rope_object_of(const JsonFields& fields) {
  const nlohmann::json* scaling = fields.find("rope_scaling");
  if (scaling != nullptr && !scaling->empty()) return {scaling, "rope_scaling."};
  const nlohmann::json* parameters = fields.find("rope_parameters");
  if (parameters != nullptr && parameters->is_object() && parameters->contains("full_attention")) {
    return {&(*parameters)["full_attention"], "rope_parameters.full_attention."};
  }
  return {parameters, "rope_parameters."};
}

void require_whole_head(const JsonFields& fields) {
  const double part = fields.find_number("partial_rotary_factor").value_or(1.0);
  if (part != 1.0) {
    fail(ErrorCode::unsupported,
         "{}: {} is {}, must be 1: RoPE on a part of a head is not supported", fields.source(),
         fields.name("partial_rotary_factor"), part);
  }
}

void read_llama3(const JsonFields& rope, RopeScaling& scaling) {
  scaling.type = RopeScaling::Type::llama3;
  scaling.factor = rope.require_number("factor");
  scaling.low_freq_factor = rope.require_number("low_freq_factor");
  scaling.high_freq_factor = rope.require_number("high_freq_factor");
}

void read_yarn(const JsonFields& rope, const ModelConfig& config, RopeScaling& scaling) {
  scaling.type = RopeScaling::Type::yarn;
  const double trained = static_cast<double>(config.max_seq_len);
  scaling.factor = rope.find_number("factor").value_or(trained / scaling.original_max_seq_len);
  // 0 means the default here, as in transformers.
  const auto beta = [&](const char* key, double absent) {
    const double value = rope.find_number(key).value_or(0);
    return value == 0 ? absent : value;
  };
  scaling.beta_fast = beta("beta_fast", 32.0);
  scaling.beta_slow = beta("beta_slow", 1.0);
  scaling.truncate = rope.find_bool("truncate").value_or(true);
  const double mscale = rope.find_number("mscale").value_or(0);
  const double mscale_all_dim = rope.find_number("mscale_all_dim").value_or(0);
  scaling.attention_factor = yarn_mscale(scaling.factor);
  if (mscale != 0 && mscale_all_dim != 0) {
    scaling.attention_factor =
        yarn_mscale(scaling.factor, mscale) / yarn_mscale(scaling.factor, mscale_all_dim);
  }
  scaling.attention_factor =
      rope.find_number("attention_factor").value_or(scaling.attention_factor);
}

}  // namespace

void read_rope(const JsonFields& fields, double default_theta, ModelConfig& config) {
  config.rope_theta = fields.find_number("rope_theta").value_or(default_theta);
  require_whole_head(fields);
  const RopeObject object = rope_object_of(fields);
  if (object.json == nullptr) return;

  const JsonFields rope(*object.json, fields.source(), object.path);
  require_whole_head(rope);
  config.rope_theta = rope.find_number("rope_theta").value_or(config.rope_theta);
  RopeScaling& scaling = config.rope_scaling;
  // Phi-3's habit of a field outside the object wins; without any field it is the context itself.
  const auto outside = fields.find_number("original_max_position_embeddings");
  scaling.original_max_seq_len = outside ? *outside
                                         : rope.find_number("original_max_position_embeddings")
                                               .value_or(static_cast<double>(config.max_seq_len));
  const std::string type =
      rope.find_string("rope_type").value_or(rope.find_string("type").value_or("default"));
  if (type == "linear") {
    scaling.type = RopeScaling::Type::linear;
    scaling.factor = rope.require_number("factor");
  } else if (type == "llama3") {
    read_llama3(rope, scaling);
  } else if (type == "yarn") {
    read_yarn(rope, config, scaling);
    stretch_max_seq_len(config);
  } else if (type != "default") {
    fail(ErrorCode::unsupported,
         "{}: {} is {}, which is not supported; supported are default, linear, llama3, yarn",
         fields.source(), rope.name("rope_type"), quote(type));
  }
}

}  // namespace tinyllm
