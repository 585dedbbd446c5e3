#include "loader/export/gguf_source.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "loader/architecture.h"
#include "loader/export/config_to_gguf.h"
#include "loader/export/tokenizer_to_gguf.h"
#include "loader/gguf_file.h"
#include "loader/hf_folder.h"
#include "loader/text/chat_template_source.h"
#include "loader/text/text_sources.h"

namespace tinyllm {
namespace {

constexpr WeightNaming kNaming = WeightNaming::gguf;

std::string source_name(const Checkpoint& checkpoint) { return checkpoint.path().string(); }

// The last part of "models/Qwen2.5-0.5B/", for people.
std::string model_name(const std::filesystem::path& path) {
  const std::filesystem::path whole = path.has_filename() ? path : path.parent_path();
  return whole.filename().string();
}

// The stop set: one end of text, one end of turn, one end of a message are what GGUF has keys for.
// `eos_id`: the tokenizer's, whose key is there already.
void add_stop_keys(std::vector<std::int32_t> stop_ids, std::optional<std::int32_t> eos_id,
                   GgufKeys& keys) {
  constexpr std::array<const char*, 3> kStopKeys = {
      "tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"};
  if (eos_id) {
    std::erase(stop_ids, *eos_id);
    stop_ids.insert(stop_ids.begin(), *eos_id);
  }
  if (stop_ids.size() > kStopKeys.size()) {
    fail(ErrorCode::unsupported,
         "{}: {} stop tokens, of which a GGUF file can name {}; nothing is written",
         keys.metadata().source(), stop_ids.size(), kStopKeys.size());
  }
  for (std::size_t i = eos_id ? 1 : 0; i < stop_ids.size(); ++i) {
    keys.add_count(kStopKeys[i], stop_ids[i]);
  }
}

void add_sampling_keys(const GenerationDefaults& defaults, GgufKeys& keys) {
  const std::array<std::pair<const char*, std::optional<float>>, 4> numbers = {{
      {"general.sampling.temp", defaults.temperature},
      {"general.sampling.top_p", defaults.top_p},
      {"general.sampling.min_p", defaults.min_p},
      {"general.sampling.penalty_repeat", defaults.repetition_penalty},
  }};
  for (const auto& [key, value] : numbers) {
    if (value) keys.add_float(key, double{*value});
  }
  if (defaults.top_k) keys.add_count("general.sampling.top_k", *defaults.top_k);
}

}  // namespace

std::int64_t GgufTensorSource::row(std::int64_t i) const {
  if (interleaved_head_dim == 0) return i;
  const std::int64_t in_head = i % interleaved_head_dim;
  return i - in_head + in_head / 2 + in_head % 2 * (interleaved_head_dim / 2);
}

const std::byte* GgufTensorSource::data_of_row(std::int64_t i) const {
  if (stacked.empty()) return tensor.row(row(i));
  const std::int64_t n_rows = stacked.front().n_rows();
  return stacked[i / n_rows].row(i % n_rows);
}

GgufSource::GgufSource(const Checkpoint& checkpoint) {
  if (const GgufFile* file = checkpoint.gguf()) {
    metadata_ = &file->metadata();
    for (const auto& [name, tensor] : file->tensors()) tensors_.push_back({name, tensor});
    return;
  }
  keys_.emplace(source_name(checkpoint));
  keys_->add_string("general.name", model_name(checkpoint.path()));
  add_config_keys(checkpoint.config(), *keys_);
  add_text_keys(checkpoint);
  add_weights(checkpoint);
}

void GgufSource::add_text_keys(const Checkpoint& checkpoint) {
  const std::optional<TokenizerSpec> spec = load_tokenizer_spec(checkpoint);
  if (spec) {
    const HuggingFaceFolder* folder = checkpoint.hugging_face();
    add_tokenizer_keys(*spec, folder != nullptr ? special_tokens_from_hf(*folder) : SpecialTokens{},
                       *keys_);
  } else {
    keys_->add_string("tokenizer.ggml.model", "none");
  }
  const GenerationDefaults defaults = load_generation_defaults(checkpoint, nullptr);
  add_stop_keys(defaults.stop_token_ids, spec ? spec->eos_id : std::nullopt, *keys_);
  add_sampling_keys(defaults, *keys_);
  if (const auto chat_template = find_chat_template(checkpoint)) {
    keys_->add_string("tokenizer.chat_template", chat_template->text);
  }
}

void GgufSource::add_weights(const Checkpoint& checkpoint) {
  const ModelConfig& config = checkpoint.config();
  weights_ = bind_weights(checkpoint);
  const RopePairing pairing =
      find_architecture(config.architecture, source_name(checkpoint)).gguf_rope_pairing;
  const bool interleaves =
      pairing == RopePairing::interleaved && config.rope_pairing == RopePairing::split_halves;
  tensors_.push_back({weight_name(kNaming, kEmbedTokens), weights_.embed_tokens});
  tensors_.push_back({weight_name(kNaming, kFinalNorm), weights_.final_norm});
  if (weights_.lm_head.data != weights_.embed_tokens.data) {
    tensors_.push_back({weight_name(kNaming, kLmHead), weights_.lm_head});
  }
  for (std::size_t i = 0; i < weights_.layers.size(); ++i) {
    add_layer(weights_.layers[i], static_cast<std::int64_t>(i), interleaves ? config.head_dim : 0);
  }
  if (auto factors = gguf_rope_freqs(config); !factors.empty()) {
    add_vector(kRopeFreqs, std::move(factors));
  }
}

void GgufSource::add_layer(const LayerWeights& weights, std::int64_t layer,
                           std::int64_t interleaved) {
  const auto add = [&](const WeightName& name, const Tensor& weight, const Tensor& bias,
                       std::int64_t head_dim = 0) {
    if (weight) tensors_.push_back({layer_weight_name(kNaming, layer, name), weight, head_dim});
    if (!bias) return;
    const std::string bias_name = layer_weight_name(kNaming, layer, name, WeightPart::bias);
    const GgufTensorSource stored = {bias_name, bias, head_dim};
    if (head_dim == 0) return tensors_.push_back(stored);
    std::vector<float> values;
    for (std::int64_t i = 0; i < bias.n_cols(); ++i) values.push_back(bias.f32()[stored.row(i)]);
    add_vector(bias_name, std::move(values));
  };
  add(kInputNorm, weights.input_norm, {});
  add(kQProj, weights.q_proj, weights.q_bias, interleaved);
  add(kKProj, weights.k_proj, weights.k_bias, interleaved);
  add(kVProj, weights.v_proj, weights.v_bias);
  add(kQNorm, weights.q_norm, {});
  add(kKNorm, weights.k_norm, {});
  add(kOProj, weights.o_proj, weights.o_bias);
  add(kPostAttentionNorm, weights.post_attention_norm, {});
  add(kGateProj, weights.mlp.gate_proj, weights.mlp.gate_bias);
  add(kUpProj, weights.mlp.up_proj, weights.mlp.up_bias);
  add(kDownProj, weights.mlp.down_proj, weights.mlp.down_bias);
  if (weights.moe.router) add_moe(weights.moe, layer);
}

void GgufSource::add_moe(const MoeWeights& weights, std::int64_t layer) {
  const auto name_of = [&](const WeightName& name) {
    return layer_weight_name(kNaming, layer, name);
  };
  const auto add_stack = [&](const WeightName& name, Tensor MlpWeights::*part) {
    std::vector<Tensor> matrices;
    for (const MlpWeights& expert : weights.experts) matrices.push_back(expert.*part);
    const Shape& one = matrices.front().shape;
    const Tensor all = {nullptr, matrices.front().dtype, {std::ssize(matrices), one[0], one[1]}};
    tensors_.push_back({name_of(name), all, 0, std::move(matrices)});
  };
  tensors_.push_back({name_of(kRouter), weights.router});
  add_stack(kExpertGateProj, &MlpWeights::gate_proj);
  add_stack(kExpertUpProj, &MlpWeights::up_proj);
  add_stack(kExpertDownProj, &MlpWeights::down_proj);
  if (!weights.shared_scale) return;
  tensors_.push_back({name_of(kSharedScale), weights.shared_scale});
  tensors_.push_back({name_of(kSharedGateProj), weights.shared.gate_proj});
  tensors_.push_back({name_of(kSharedUpProj), weights.shared.up_proj});
  tensors_.push_back({name_of(kSharedDownProj), weights.shared.down_proj});
}

// An f32 tensor of its own.
void GgufSource::add_vector(std::string name, std::vector<float> values) {
  const auto n = static_cast<std::int64_t>(values.size());
  Buffer& buffer =
      vectors_.emplace_back(n * static_cast<std::int64_t>(sizeof(float)), "a norm or bias");
  std::ranges::copy(values, buffer.as<float>().begin());
  tensors_.push_back({std::move(name), Tensor{buffer.data(), DType::f32, {n}}});
}

}  // namespace tinyllm
