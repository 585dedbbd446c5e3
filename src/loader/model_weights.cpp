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
    weights.gate_proj = matrix(kGateProj, c.intermediate_size, c.hidden_size);
    weights.up_proj = matrix(kUpProj, c.intermediate_size, c.hidden_size);
    weights.down_proj = matrix(kDownProj, c.hidden_size, c.intermediate_size);
    weights.gate_bias = bias(c.mlp_bias, kGateProj, c.intermediate_size);
    weights.up_bias = bias(c.mlp_bias, kUpProj, c.intermediate_size);
    weights.down_bias = bias(c.mlp_bias, kDownProj, c.hidden_size);
    return weights;
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
  Tensor vector(const std::string& name, std::int64_t n) {
    const Tensor& stored = find(name, {n});
    if (is_aligned_f32(stored)) return stored;
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
