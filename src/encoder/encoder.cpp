#include "encoder/encoder.h"

#include <algorithm>

#include "kernels/cpu/for_each_token.h"
#include "quant/decode.h"

namespace tinyllm {

Encoder::Encoder(ThreadPool& pool, const RowKernels& kernels, const EncoderConfig& config,
                 const EncoderWeights& weights, std::int64_t max_tokens, std::int64_t max_seq_len)
    : pool_(&pool),
      kernels_(&kernels),
      weights_(&weights),
      config_(config),
      linear_(pool, kernels),
      attention_(pool, kernels, config, max_seq_len),
      hidden_(max_tokens * config.hidden_size * 4, "activations"),
      projections_(max_tokens * weights.layers.front().qkv.weight->n_padded_rows() * 4,
                   "activations"),
      x_(max_tokens, config.hidden_size),
      attended_(max_tokens, config.hidden_size),
      activated_(max_tokens, config.intermediate_size) {
  for (const EncoderLayer& layer : weights.layers) {
    x_forms_ = x_forms_ | layer.qkv.weight->reads() | layer.up.weight->reads();
    attended_forms_ = attended_forms_ | layer.output.weight->reads();
    activated_forms_ = activated_forms_ | layer.down.weight->reads();
  }
  linear_.configure(max_tokens, std::max(config.hidden_size, config.intermediate_size), 0);
}

void Encoder::norm(const EncoderNorm& weights, std::int64_t t) {
  kernels_->layer_norm(hidden(t), weights.weight.as<float>().data(),
                       weights.bias.as<float>().data(), hidden(t), config_.hidden_size,
                       config_.norm_eps);
  std::copy_n(hidden(t), config_.hidden_size, x_.row(t));
  x_.convert(*kernels_, x_forms_, t, kUsualSplit);
}

void Encoder::embed(std::span<const TokenId> ids, std::span<const std::int64_t> starts,
                    std::span<const std::uint8_t> types) {
  const std::int64_t n_dims = config_.hidden_size;
  const Tensor &words = weights_->word_embeddings, &positions = weights_->position_embeddings;
  for_each_token(*pool_, std::ssize(ids), [&](std::int64_t t) {
    const auto next = std::ranges::upper_bound(starts, t);
    const std::int64_t position = t - *(next - 1);
    float* place = x_.row(t);
    decode_row(words.dtype, words.row(ids[t]), hidden(t), n_dims);
    decode_row(positions.dtype, positions.row(position), place, n_dims);
    kernels_->add(hidden(t), place, n_dims);
    const std::int64_t type = types.empty() ? 0 : types[static_cast<std::size_t>(t)];
    kernels_->add(hidden(t), weights_->token_types.as<float>().data() + type * n_dims, n_dims);
    norm(weights_->embedding_norm, t);
  });
}

void Encoder::attend(const EncoderLayer& layer, std::int64_t n,
                     std::span<const std::int64_t> starts) {
  const PackedMatrix& qkv = *layer.qkv.weight;
  const std::int64_t stride = qkv.n_padded_rows();
  float* projections = projections_.as<float>().data();
  linear_.store(qkv, {x_, n}, projections, stride);
  for_each_token(*pool_, n, [&](std::int64_t t) {
    kernels_->add(projections + t * stride, layer.qkv.bias.as<float>().data(), stride);
  });
  const auto begin_of = [&](std::size_t part) { return qkv.parts()[part].first_panel * kTileRows; };
  attention_.attend({projections, stride, begin_of(1), begin_of(2)}, starts, attended_.row(0),
                    attended_.stride());
  for_each_token(*pool_, n, [&](std::int64_t t) {
    attended_.convert(*kernels_, attended_forms_, t, kUsualSplit);
  });
  linear_.add(*layer.output.weight, {attended_, n}, layer.output.bias.as<float>().data(), hidden(0),
              config_.hidden_size);
  for_each_token(*pool_, n, [&](std::int64_t t) { norm(layer.attention_norm, t); });
}

void Encoder::feed_forward(const EncoderLayer& layer, std::int64_t n) {
  linear_.store(*layer.up.weight, {x_, n}, activated_.row(0), activated_.stride());
  for_each_token(*pool_, n, [&](std::int64_t t) {
    float* row = activated_.row(t);
    kernels_->add(row, layer.up.bias.as<float>().data(), config_.intermediate_size);
    kernels_->gelu(row, row, config_.intermediate_size);
    activated_.convert(*kernels_, activated_forms_, t, kUsualSplit);
  });
  linear_.add(*layer.down.weight, {activated_, n}, layer.down.bias.as<float>().data(), hidden(0),
              config_.hidden_size);
  for_each_token(*pool_, n, [&](std::int64_t t) { norm(layer.output_norm, t); });
}

const float* Encoder::run(std::span<const TokenId> ids, std::span<const std::int64_t> starts,
                          std::span<const std::uint8_t> types) {
  embed(ids, starts, types);
  for (const EncoderLayer& layer : weights_->layers) {
    attend(layer, std::ssize(ids), starts);
    feed_forward(layer, std::ssize(ids));
  }
  return hidden(0);
}

}  // namespace tinyllm
