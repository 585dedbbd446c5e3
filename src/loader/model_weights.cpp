#include "loader/model_weights.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/quote.h"
#include "quant/decode.h"

namespace tinyllm {
namespace {

// A tensor that a model is complete without: the config says the same, it can be computed, or it is
// of a cache that this engine keeps in its own way.
bool may_be_left(std::string_view name, WeightNaming naming) {
  if (naming == WeightNaming::gguf) return name == kRopeFreqs;
  constexpr std::string_view kEndings[] = {".rotary_emb.inv_freq", ".rotary_emb.cos_cached",
                                           ".rotary_emb.sin_cached", ".self_attn.k_scale",
                                           ".self_attn.v_scale"};
  return std::ranges::any_of(kEndings, [&](std::string_view end) { return name.ends_with(end); });
}

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.dtype == b.dtype && a.shape == b.shape &&
         std::memcmp(a.data, b.data,
                     static_cast<std::size_t>(a.n_rows() * row_bytes(a.dtype, a.n_cols()))) == 0;
}

bool is_aligned_f32(const Tensor& tensor) {
  return tensor.dtype == DType::f32 &&
         reinterpret_cast<std::uintptr_t>(tensor.data) % alignof(float) == 0;
}

class Binder {
 public:
  Binder(const ModelConfig& config, const TensorMap& tensors, WeightNaming naming,
         const std::string& source)
      : config_(config), tensors_(tensors), naming_(naming), source_(source) {}

  ModelWeights bind() {
    weights_.embed_tokens =
        find(weight_name(naming_, kEmbedTokens), {config_.vocab_size, config_.hidden_size});
    weights_.final_norm = vector(weight_name(naming_, kFinalNorm), config_.hidden_size);
    weights_.lm_head = has_own_head()
                           ? find(weight_name(naming_, kLmHead), weights_.embed_tokens.shape)
                           : weights_.embed_tokens;
    for (std::int64_t layer = 0; layer < config_.n_layers; ++layer) {
      weights_.layers.push_back(bind_layer(layer));
    }
    refuse_leftovers();
    return std::move(weights_);
  }

 private:
  LayerWeights bind_layer(std::int64_t layer) {
    const auto matrix = [&](const WeightName& name, std::int64_t n_out, std::int64_t n_in) {
      return find(layer_weight_name(naming_, layer, name), {n_out, n_in});
    };
    const auto norm = [&](const WeightName& name, std::int64_t n) {
      return vector(layer_weight_name(naming_, layer, name), n);
    };
    const auto bias = [&](bool wanted, const WeightName& name, std::int64_t n) {
      if (!wanted) return Tensor{};
      return vector(layer_weight_name(naming_, layer, name, WeightPart::bias), n);
    };
    const ModelConfig& c = config_;
    LayerWeights weights;
    weights.input_norm = norm(kInputNorm, c.hidden_size);
    weights.q_proj = matrix(kQProj, c.q_size(), c.hidden_size);
    weights.k_proj = matrix(kKProj, c.kv_size(), c.hidden_size);
    weights.v_proj = matrix(kVProj, c.kv_size(), c.hidden_size);
    weights.q_bias = bias(c.qkv_bias, kQProj, c.q_size());
    weights.k_bias = bias(c.qkv_bias, kKProj, c.kv_size());
    weights.v_bias = bias(c.qkv_bias, kVProj, c.kv_size());
    if (c.qk_norm) {
      weights.q_norm = norm(kQNorm, c.head_dim);
      weights.k_norm = norm(kKNorm, c.head_dim);
    }
    weights.o_proj = matrix(kOProj, c.hidden_size, c.q_size());
    weights.o_bias = bias(c.o_bias, kOProj, c.hidden_size);
    weights.post_attention_norm = norm(kPostAttentionNorm, c.hidden_size);
    if (c.has_experts(layer)) {
      weights.moe = bind_moe(layer);
      return weights;
    }
    weights.mlp = bind_mlp(layer, kGateProj, kUpProj, kDownProj, c.intermediate_size);
    weights.mlp.gate_bias = bias(c.mlp_bias, kGateProj, c.intermediate_size);
    weights.mlp.up_bias = bias(c.mlp_bias, kUpProj, c.intermediate_size);
    weights.mlp.down_bias = bias(c.mlp_bias, kDownProj, c.hidden_size);
    return weights;
  }

  MlpWeights bind_mlp(std::int64_t layer, const WeightName& gate, const WeightName& up,
                      const WeightName& down, std::int64_t n) {
    MlpWeights mlp;
    mlp.gate_proj = find(layer_weight_name(naming_, layer, gate), {n, config_.hidden_size});
    mlp.up_proj = find(layer_weight_name(naming_, layer, up), {n, config_.hidden_size});
    mlp.down_proj = find(layer_weight_name(naming_, layer, down), {config_.hidden_size, n});
    return mlp;
  }

  MoeWeights bind_moe(std::int64_t layer) {
    const MoeConfig& c = config_.moe;
    MoeWeights moe;
    moe.router =
        find(layer_weight_name(naming_, layer, kRouter), {c.n_experts, config_.hidden_size});
    moe.experts.resize(c.n_experts);
    const auto bind_experts = [&](Tensor MlpWeights::*part, const WeightName& name,
                                  const Shape& shape) {
      for (std::int64_t i = 0; i < c.n_experts; ++i)
        moe.experts[i].*part = expert(layer, i, name, shape);
    };
    bind_experts(&MlpWeights::gate_proj, kExpertGateProj,
                 {c.intermediate_size, config_.hidden_size});
    bind_experts(&MlpWeights::up_proj, kExpertUpProj, {c.intermediate_size, config_.hidden_size});
    bind_experts(&MlpWeights::down_proj, kExpertDownProj,
                 {config_.hidden_size, c.intermediate_size});
    if (c.shared_intermediate_size == 0) return moe;
    moe.shared = bind_mlp(layer, kSharedGateProj, kSharedUpProj, kSharedDownProj,
                          c.shared_intermediate_size);
    moe.shared_scale = shared_scale(layer_weight_name(naming_, layer, kSharedScale));
    return moe;
  }

  // One expert's matrix: a tensor of its own, or a slice of the layer's.
  Tensor expert(std::int64_t layer, std::int64_t i, const WeightName& name, const Shape& shape) {
    if (naming_ == WeightNaming::hugging_face)
      return find(expert_weight_name(layer, i, name), shape);
    const Tensor& all =
        find(layer_weight_name(naming_, layer, name), {config_.moe.n_experts, shape[0], shape[1]});
    return {all.row(i * shape[0]), all.dtype, shape};
  }

  // [hidden_size] in a GGUF file, [1, hidden_size] in a folder.
  Tensor shared_scale(const std::string& name) {
    const std::int64_t n = config_.hidden_size;
    return vector(name, naming_ == WeightNaming::gguf ? Shape{n} : Shape{1, n});
  }

  // A file that says "tied" and holds a head all the same means the head, unless it is a copy.
  bool has_own_head() {
    if (!config_.tie_word_embeddings) return true;
    const auto stored = tensors_.find(weight_name(naming_, kLmHead));
    if (stored == tensors_.end()) return false;
    if (same_bytes(stored->second, weights_.embed_tokens)) {
      used_.insert(stored->first);
      return false;
    }
    log(LogLevel::info, "{}: the config ties embedding and head, but the file has two: {} counts",
        source_, quote(stored->first));
    return true;
  }

  const Tensor& find(const std::string& name, const Shape& shape) {
    const auto it = tensors_.find(name);
    if (it == tensors_.end()) {
      fail(ErrorCode::invalid_input, "{}: tensor {} is missing; the model is not complete", source_,
           quote(name));
    }
    if (it->second.shape != shape) {
      fail(ErrorCode::invalid_input, "{}: tensor {} is {}, must be {}", source_, quote(name),
           to_string(it->second.shape), to_string(shape));
    }
    used_.insert(it->first);
    return it->second;
  }

  // A norm or bias, [n] f32: the file's own bytes where they can be read as floats, else a copy.
  Tensor vector(const std::string& name, std::int64_t n) { return vector(name, Shape{n}); }
  Tensor vector(const std::string& name, const Shape& shape) {
    const Tensor& stored = find(name, shape);
    const std::int64_t n = shape.n_elems();
    if (is_aligned_f32(stored)) return {stored.data, DType::f32, {n}};
    Buffer widened(n * static_cast<std::int64_t>(sizeof(float)), "a norm or bias");
    decode_row(stored.dtype, stored.data, widened.as<float>().data(), n);
    const Tensor copy{widened.data(), DType::f32, {n}};
    weights_.widened.push_back(std::move(widened));
    return copy;
  }

  void refuse_leftovers() const {
    if (used_.size() == tensors_.size()) return;
    for (const auto& [name, tensor] : tensors_) {
      if (used_.contains(name) || may_be_left(name, naming_)) continue;
      fail(ErrorCode::unsupported,
           "{}: tensor {} ({}) has no place in a {} model of {} layers; a variant that is not "
           "supported",
           source_, quote(name), to_string(tensor.shape), config_.architecture, config_.n_layers);
    }
  }

  const ModelConfig& config_;
  const TensorMap& tensors_;
  WeightNaming naming_;
  const std::string& source_;
  ModelWeights weights_;
  std::set<std::string_view> used_;
};

}  // namespace

ModelWeights bind_weights(const Checkpoint& checkpoint) {
  for (const auto& [name, reason] : checkpoint.unread_tensors()) {
    if (!may_be_left(name, checkpoint.naming()))
      fail(ErrorCode::unsupported, "{}: tensor {} {}", checkpoint.path().string(), quote(name),
           reason);
    log(LogLevel::info, "{}: tensor {} is not needed and left out: it {}",
        checkpoint.path().string(), quote(name), reason);
  }
  return bind_weights(checkpoint.config(), checkpoint.tensors(), checkpoint.naming(),
                      checkpoint.path().string());
}

ModelWeights bind_weights(const ModelConfig& config, const TensorMap& tensors, WeightNaming naming,
                          const std::string& source) {
  return Binder(config, tensors, naming, source).bind();
}

}  // namespace tinyllm
