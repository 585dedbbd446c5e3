#pragma once
// For tests: writes GGUF files in memory, right ones and, through the raw calls, broken ones.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "loader/gguf_metadata.h"
#include "tensor/dtype.h"

namespace testing {}  // namespace testing

namespace tinyllm::testing {

using namespace ::testing;  // which this namespace would hide

class GgufBuilder {
 public:
  std::uint32_t version = 3;
  std::uint64_t alignment = 32;  // of the data; key_u32 writes it into the file

  GgufBuilder& key_u32(std::string_view key, std::uint32_t value) {
    return number(key, GgufType::uint32, value);
  }
  GgufBuilder& key_f32(std::string_view key, float value) {
    return number(key, GgufType::float32, value);
  }
  GgufBuilder& key_bool(std::string_view key, bool value) {
    return number(key, GgufType::boolean, static_cast<std::uint8_t>(value));
  }
  GgufBuilder& key_string(std::string_view key, std::string_view value) {
    begin_key(key, GgufType::string);
    append_string(keys_, value);
    return *this;
  }
  GgufBuilder& key_strings(std::string_view key, const std::vector<std::string>& values) {
    begin_array(key, GgufType::string, values.size());
    for (const std::string& value : values) append_string(keys_, value);
    return *this;
  }
  GgufBuilder& key_i32s(std::string_view key, const std::vector<std::int32_t>& values) {
    begin_array(key, GgufType::int32, values.size());
    for (const std::int32_t value : values) append(keys_, value);
    return *this;
  }
  template <typename Number>
  GgufBuilder& number(std::string_view key, GgufType type, Number value) {
    begin_key(key, type);
    append(keys_, value);
    return *this;
  }
  // Any bytes as one key entry.
  GgufBuilder& raw_key(std::string_view bytes) {
    keys_ += bytes;
    ++n_keys_;
    return *this;
  }

  // `dims` innermost first, as in the file; `type` is ggml's number (0: F32). Data are zero bytes.
  GgufBuilder& tensor(std::string_view name, const std::vector<std::uint64_t>& dims,
                      std::uint32_t type, std::uint64_t n_bytes) {
    data_.resize((data_.size() + alignment - 1) / alignment * alignment, '\0');
    raw_tensor(name, dims, type, data_.size());
    data_.append(n_bytes, '\0');
    return *this;
  }
  GgufBuilder& tensor_f32(std::string_view name, const std::vector<std::uint64_t>& dims,
                          const std::vector<float>& values) {
    tensor(name, dims, 0, values.size() * sizeof(float));
    std::memcpy(data_.data() + data_.size() - values.size() * sizeof(float), values.data(),
                values.size() * sizeof(float));
    return *this;
  }
  // A table entry alone: no data, any offset.
  GgufBuilder& raw_tensor(std::string_view name, const std::vector<std::uint64_t>& dims,
                          std::uint32_t type, std::uint64_t offset) {
    append_string(tensors_, name);
    append(tensors_, static_cast<std::uint32_t>(dims.size()));
    for (const std::uint64_t dim : dims) append(tensors_, dim);
    append(tensors_, type);
    append(tensors_, offset);
    ++n_tensors_;
    return *this;
  }

  std::string build() const { return build_with_counts(n_tensors_, n_keys_); }
  std::string build_with_counts(std::uint64_t n_tensors, std::uint64_t n_keys) const {
    std::string file = "GGUF";
    append(file, version);
    append(file, n_tensors);
    append(file, n_keys);
    file += keys_ + tensors_;
    file.resize((file.size() + alignment - 1) / alignment * alignment, '\0');
    return file + data_;
  }

  template <typename Number>
  static void append(std::string& out, Number value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  static void append_string(std::string& out, std::string_view text) {
    append(out, static_cast<std::uint64_t>(text.size()));
    out += text;
  }
  void begin_key(std::string_view key, GgufType type) {
    append_string(keys_, key);
    append(keys_, static_cast<std::uint32_t>(type));
    ++n_keys_;
  }
  void begin_array(std::string_view key, GgufType type, std::uint64_t n_elems) {
    begin_key(key, GgufType::array);
    append(keys_, static_cast<std::uint32_t>(type));
    append(keys_, n_elems);
  }

 private:
  std::string keys_, tensors_, data_;
  std::uint64_t n_keys_ = 0, n_tensors_ = 0;
};

inline void add_tiny_experts(GgufBuilder& builder, const std::string& layer, bool has_shared) {
  constexpr std::uint64_t kExperts = 5, kHidden = 8, kSize = 6, kShared = 12;
  const auto add = [&](const char* name, const std::vector<std::uint64_t>& dims) {
    std::uint64_t n_bytes = 4;
    for (const std::uint64_t dim : dims) n_bytes *= dim;
    builder.tensor(layer + name, dims, 0, n_bytes);
  };
  add("ffn_gate_inp.weight", {kHidden, kExperts});
  add("ffn_gate_exps.weight", {kHidden, kSize, kExperts});
  add("ffn_up_exps.weight", {kHidden, kSize, kExperts});
  add("ffn_down_exps.weight", {kSize, kHidden, kExperts});
  if (!has_shared) return;
  builder.tensor_f32(layer + "ffn_gate_inp_shexp.weight", {kHidden},
                     std::vector<float>(kHidden, 0.25f));
  add("ffn_gate_shexp.weight", {kHidden, kShared});
  add("ffn_up_shexp.weight", {kHidden, kShared});
  add("ffn_down_shexp.weight", {kShared, kHidden});
}

// A whole tiny model: 2 layers, hidden 8, 2 heads of 4, 1 k/v head,
// MLP 16, 10 tokens, all f32 zeros but norms of ones. `architecture`:
// llama (bare), qwen2 (with biases), qwen3 (with q/k norms), qwen2moe and qwen3moe (instead of the
// MLP 5 experts of 6, and for the former a shared one of 12).
inline GgufBuilder tiny_gguf_model(const std::string& architecture, bool tied = false,
                                   std::uint32_t n_experts_per_token = 2) {
  const bool is_moe = architecture.ends_with("moe");
  GgufBuilder builder;
  const auto key = [&](const char* name) { return architecture + "." + name; };
  builder.key_string("general.architecture", architecture)
      .key_u32(key("block_count"), 2)
      .key_u32(key("context_length"), 64)
      .key_u32(key("embedding_length"), 8)
      .key_u32(key("feed_forward_length"), 16)
      .key_u32(key("attention.head_count"), 2)
      .key_u32(key("attention.head_count_kv"), 1)
      .key_f32(key("attention.layer_norm_rms_epsilon"), 1e-5f)
      .key_f32(key("rope.freq_base"), 10000.0f);
  if (is_moe) {
    builder.key_u32(key("expert_count"), 5).key_u32(key("expert_used_count"), n_experts_per_token);
  }
  const auto matrix = [&](const std::string& name, std::uint64_t n_in, std::uint64_t n_out) {
    builder.tensor(name, {n_in, n_out}, 0, n_in * n_out * 4);
  };
  const auto vector = [&](const std::string& name, std::uint64_t n, float value) {
    builder.tensor_f32(name, {n}, std::vector<float>(n, value));
  };
  matrix("token_embd.weight", 8, 10);
  vector("output_norm.weight", 8, 1);
  if (!tied) matrix("output.weight", 8, 10);
  for (const std::string layer : {"blk.0.", "blk.1."}) {
    vector(layer + "attn_norm.weight", 8, 1);
    matrix(layer + "attn_q.weight", 8, 8);
    matrix(layer + "attn_k.weight", 8, 4);
    matrix(layer + "attn_v.weight", 8, 4);
    matrix(layer + "attn_output.weight", 8, 8);
    vector(layer + "ffn_norm.weight", 8, 1);
    if (is_moe) {
      add_tiny_experts(builder, layer, architecture == "qwen2moe");
    } else {
      matrix(layer + "ffn_gate.weight", 8, 16);
      matrix(layer + "ffn_up.weight", 8, 16);
      matrix(layer + "ffn_down.weight", 16, 8);
    }
    if (architecture.starts_with("qwen2")) {
      vector(layer + "attn_q.bias", 8, 0.5f);
      vector(layer + "attn_k.bias", 4, 0.5f);
      vector(layer + "attn_v.bias", 4, 0.5f);
    }
    if (architecture.starts_with("qwen3")) {
      vector(layer + "attn_q_norm.weight", 4, 1);
      vector(layer + "attn_k_norm.weight", 4, 1);
    }
  }
  return builder;
}

inline std::span<const std::byte> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace tinyllm::testing
