#include "loader/model_digest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <span>
#include <vector>

#include "base/xxhash64.h"

namespace tinyllm {
namespace {

// The structured bindings stop to compile when a field is added: it belongs in here, too. Floats are
// written with all their digits.
std::string numbers_of(const RopeScaling& scaling) {
  const auto& [type, factor, original, low, high, beta_fast, beta_slow, attention, truncate,
               factors] = scaling;
  return fmt::format("{} {} {} {} {} {} {} {} {} {}", static_cast<int>(type), factor, original, low,
                     high, beta_fast, beta_slow, attention, truncate, fmt::join(factors, ","));
}

std::string numbers_of(const MoeConfig& moe) {
  const auto& [n_experts, n_a_token, intermediate, shared, norm_weights, dense_layers] = moe;
  return fmt::format("{} {} {} {} {} {}", n_experts, n_a_token, intermediate, shared, norm_weights,
                     fmt::join(dense_layers, ","));
}

std::string numbers_of(const std::vector<AttentionWindow>& windows) {
  std::string text;
  for (const auto& [window, sinks] : windows) text += fmt::format("{}+{} ", window, sinks);
  return text;
}

std::string numbers_of(const ModelConfig& config) {
  const auto& [architecture, vocab, hidden, intermediate, n_layers, n_heads, n_kv_heads, head_dim,
               max_seq_len, norm_eps, theta, pairing, scaling, qkv_bias, o_bias, mlp_bias, qk_norm,
               tied, moe, windows] = config;
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} [{}] {} {} {} {} {} [{}] [{}]\n",
                     architecture, vocab, hidden, intermediate, n_layers, n_heads, n_kv_heads,
                     head_dim, max_seq_len, norm_eps, theta, static_cast<int>(pairing),
                     numbers_of(scaling), qkv_bias, o_bias, mlp_bias, qk_norm, tied,
                     numbers_of(moe), numbers_of(windows));
}

}  // namespace

std::string model_digest(const Checkpoint& checkpoint, ThreadPool& pool) {
  std::vector<const TensorMap::value_type*> tensors;
  for (const auto& entry : checkpoint.tensors()) tensors.push_back(&entry);
  std::vector<std::uint64_t> hashes(tensors.size());
  pool.parallel_for(std::ssize(tensors), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Tensor& tensor = tensors[static_cast<std::size_t>(i)]->second;
      hashes[static_cast<std::size_t>(i)] =
          xxhash64({tensor.data, static_cast<std::size_t>(tensor.n_bytes())});
    }
  });
  std::string text = numbers_of(checkpoint.config());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto& [name, tensor] = *tensors[i];
    text += fmt::format("{} {} {} {} {:016x}\n", name, tinyllm::name(tensor.dtype), tensor.n_rows(),
                        tensor.n_cols(), hashes[i]);
  }
  const auto bytes = std::as_bytes(std::span(text));
  return fmt::format("{:016x}{:016x}", xxhash64(bytes), xxhash64(bytes, 1));
}

}  // namespace tinyllm
