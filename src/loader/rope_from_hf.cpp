#include "loader/rope_from_hf.h"

#include <nlohmann/json.hpp>
#include <string>

#include "rope/yarn.h"

namespace tinyllm {
namespace {

// The object that holds the scaling. transformers 5 may nest it by the kind of layer.
JsonField rope_object_of(const JsonField& root) {
  const JsonField scaling = root.member("rope_scaling");
  if (!scaling.is_null() && !scaling.object().empty()) return scaling;
  const JsonField parameters = root.member("rope_parameters");
  if (parameters.is_null()) return parameters;
  const JsonField nested = parameters.member("full_attention");
  if (nested.is_null()) return parameters;
  const JsonField windowed = parameters.member("sliding_attention");
  if (!windowed.is_null() && windowed.object() != nested.object())
    windowed.refuse(ErrorCode::unsupported, "as full_attention: all layers share one RoPE table");
  return nested;
}

void require_whole_head(const JsonField& object) {
  const JsonField part = object.member("partial_rotary_factor");
  if (part.number_or(1.0) != 1.0) {
    part.refuse(ErrorCode::unsupported, "1 (RoPE on a part of a head is not supported)");
  }
}

void read_llama3(const JsonField& rope, RopeScaling& scaling) {
  scaling.type = RopeScaling::Type::llama3;
  scaling.factor = rope.member("factor").number();
  scaling.low_freq_factor = rope.member("low_freq_factor").number();
  scaling.high_freq_factor = rope.member("high_freq_factor").number();
}

void read_yarn(const JsonField& rope, const ModelConfig& config, RopeScaling& scaling) {
  scaling.type = RopeScaling::Type::yarn;
  const double trained = static_cast<double>(config.max_seq_len);
  scaling.factor = rope.member("factor").number_or(trained / scaling.original_max_seq_len);
  // 0 means the default here, as in transformers.
  const auto beta = [&](const char* key, double absent) {
    const double value = rope.member(key).number_or(0);
    return value == 0 ? absent : value;
  };
  scaling.beta_fast = beta("beta_fast", 32.0);
  scaling.beta_slow = beta("beta_slow", 1.0);
  scaling.truncate = rope.member("truncate").boolean_or(true);
  const double mscale = rope.member("mscale").number_or(0);
  const double mscale_all_dim = rope.member("mscale_all_dim").number_or(0);
  scaling.attention_factor = yarn_mscale(scaling.factor);
  if (mscale != 0 && mscale_all_dim != 0) {
    scaling.attention_factor =
        yarn_mscale(scaling.factor, mscale) / yarn_mscale(scaling.factor, mscale_all_dim);
  }
  scaling.attention_factor = rope.member("attention_factor").number_or(scaling.attention_factor);
}

}  // namespace

void read_rope(const JsonField& root, double default_theta, ModelConfig& config) {
  config.rope_theta = root.member("rope_theta").number_or(default_theta);
  require_whole_head(root);
  const JsonField rope = rope_object_of(root);
  if (rope.is_null()) return;

  require_whole_head(rope);
  config.rope_theta = rope.member("rope_theta").number_or(config.rope_theta);
  RopeScaling& scaling = config.rope_scaling;
  // A field outside the object, Phi-3's habit, wins; without any field it is the context itself.
  const char* original = "original_max_position_embeddings";
  scaling.original_max_seq_len = root.member(original).number_or(
      rope.member(original).number_or(static_cast<double>(config.max_seq_len)));
  const JsonField new_type = rope.member("rope_type");
  const JsonField type = new_type.is_null() ? rope.member("type") : new_type;
  const std::string type_name = type.string_or("default");
  if (type_name == "linear") {
    scaling.type = RopeScaling::Type::linear;
    scaling.factor = rope.member("factor").number();
  } else if (type_name == "llama3") {
    read_llama3(rope, scaling);
  } else if (type_name == "yarn") {
    read_yarn(rope, config, scaling);
    config.max_seq_len = yarn_max_seq_len(scaling, config.max_seq_len);
  } else if (type_name != "default") {
    type.refuse(ErrorCode::unsupported,
                "'default', 'linear', 'llama3' or 'yarn' (others are not supported)");
  }
}

}  // namespace tinyllm
