#pragma once
// The numbers of a BERT-class encoder (Devlin et al. 2018), from the config.json of a BertModel.
// Plain struct; reading is a pure function: any thread.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tinyllm {

struct EncoderConfig {
  std::int64_t vocab_size = 0, hidden_size = 0, intermediate_size = 0;
  std::int64_t n_layers = 0, n_heads = 0;
  std::int64_t max_positions = 0;  // rows of the position table
  std::int64_t n_token_types = 0;
  float norm_eps = 1e-12f;

  std::int64_t head_dim() const { return hidden_size / n_heads; }
};

// Throws Error{invalid_input | unsupported} that names the field: another architecture or
// activation, relative positions, a decoder, a size that is 0 or beyond all reason.
EncoderConfig read_encoder_config(const nlohmann::json& json, const std::string& source);

}  // namespace tinyllm
