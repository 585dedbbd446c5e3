#include "encoder/encoder_weights.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "quant/decode.h"
#include "quant/quantise.h"

namespace tinyllm {
namespace {

class WeightReader {
 public:
  WeightReader(const HuggingFaceFolder& files, EncoderPrecision precision, Arena& arena,
               ThreadPool& pool)
      : files_(files), precision_(precision), arena_(arena), pool_(pool) {
    // A model with a head of its own (BertForMaskedLM, ...) keeps the encoder under "bert.".
    if (!files.tensors().contains("embeddings.word_embeddings.weight")) prefix_ = "bert.";
  }

  // All of its values are finite.
  Tensor tensor(const std::string& name, std::vector<std::int64_t> shape) const {
    const Tensor tensor = find(name, std::move(shape));
    if (!is_finite(tensor)) refuse_damaged(name);
    return tensor;
  }

  // Whatever its values are.
  Tensor find(const std::string& name, std::vector<std::int64_t> shape) const {
    const auto found = files_.tensors().find(prefix_ + name);
    if (found == files_.tensors().end()) {
      fail(ErrorCode::invalid_input, "{}: has no tensor {}, which an encoder needs",
           files_.path().string(), prefix_ + name);
    }
    const Tensor& tensor = found->second;
    const std::int64_t n_rows = shape.size() == 2 ? shape[0] : 1;
    if (tensor.n_cols() != shape.back() || tensor.n_rows() != n_rows) {
      fail(ErrorCode::invalid_input, "{}: tensor {} is [{}, {}], must be [{}]",
           files_.path().string(), prefix_ + name, tensor.n_rows(), tensor.n_cols(),
           fmt::join(shape, ", "));
    }
    return tensor;
  }

  // Row `row` of a matrix or a vector, in a buffer of n_floats, at `begin`.
  static void copy_row(const Tensor& from, std::int64_t row, Buffer& to, std::int64_t begin) {
    decode_row(from.dtype, from.row(row), to.as<float>().data() + begin, from.n_cols());
  }

  Buffer vector(const std::string& name, std::int64_t n) const {
    Buffer values(n * 4, "weights");
    copy_row(tensor(name, {n}), 0, values, 0);
    return values;
  }

  EncoderNorm norm(const std::string& name, std::int64_t n) const {
    return {vector(name + ".weight", n), vector(name + ".bias", n)};
  }

  // Matrices of [n_rows, n_cols] each, one below the other.
  EncoderLinear linear(const std::vector<std::string>& names, std::int64_t n_rows,
                       std::int64_t n_cols) const {
    std::vector<Tensor> parts;
    std::vector<Buffer> quantised;
    for (const std::string& name : names) {
      const std::string weight = name + ".weight";
      parts.push_back(precision_ == EncoderPrecision::int8
                          ? quantise(weight, find(weight, {n_rows, n_cols}), quantised)
                          : tensor(weight, {n_rows, n_cols}));
    }
    EncoderLinear linear;
    linear.weight = std::make_unique<PackedMatrix>(parts, PartOrder::stacked, arena_, pool_);
    linear.bias = Buffer(linear.weight->n_padded_rows() * 4, "weights");
    std::ranges::fill(linear.bias.as<float>(), 0.0f);
    for (std::size_t i = 0; i < names.size(); ++i) {
      copy_row(tensor(names[i] + ".bias", {n_rows}), 0, linear.bias,
               linear.weight->parts()[i].first_panel * kTileRows);
    }
    return linear;
  }

 private:
  bool is_finite(const Tensor& tensor) const {
    constexpr std::int64_t kRowsAtOnce = 64;
    const std::int64_t n_cols = tensor.n_cols();
    std::vector<float> floats(static_cast<std::size_t>(pool_.n_workers() * n_cols));
    std::atomic<bool> finite{true};
    pool_.parallel_for(tensor.n_rows(), kRowsAtOnce,
                       [&](int worker, std::int64_t first, std::int64_t last) {
                         const auto row = std::span(floats).subspan(worker * n_cols, n_cols);
                         for (std::int64_t i = first; i < last; ++i) {
                           decode_row(tensor.dtype, tensor.row(i), row.data(), n_cols);
                           if (!std::ranges::all_of(row, [](float x) { return std::isfinite(x); }))
                             finite = false;
                         }
                       });
    return finite;
  }

  [[noreturn]] void refuse_damaged(const std::string& name) const {
    fail(ErrorCode::invalid_input, "{}: tensor {}{} is not finite; the file may be damaged",
         files_.path().string(), prefix_, name);
  }

  Tensor quantise(const std::string& name, const Tensor& weight, std::vector<Buffer>& owner) const {
    const DType to = matrix_format(DType::q8_0, weight.n_cols());
    Buffer& rows = owner.emplace_back(weight.n_rows() * row_bytes(to, weight.n_cols()), "weights");
    if (!quantise_rows(weight, 0, weight.n_rows(), to, rows.data(), pool_)) refuse_damaged(name);
    return {rows.data(), to, weight.shape};
  }

  const HuggingFaceFolder& files_;
  EncoderPrecision precision_;
  Arena& arena_;
  ThreadPool& pool_;
  std::string prefix_;
};

EncoderLayer read_layer(const WeightReader& reader, const EncoderConfig& config, std::int64_t i) {
  const std::string layer = fmt::format("encoder.layer.{}.", i), self = layer + "attention.self.";
  const std::int64_t hidden = config.hidden_size, inner = config.intermediate_size;
  EncoderLayer weights;
  weights.qkv = reader.linear({self + "query", self + "key", self + "value"}, hidden, hidden);
  weights.output = reader.linear({layer + "attention.output.dense"}, hidden, hidden);
  weights.attention_norm = reader.norm(layer + "attention.output.LayerNorm", hidden);
  weights.up = reader.linear({layer + "intermediate.dense"}, inner, hidden);
  weights.down = reader.linear({layer + "output.dense"}, hidden, inner);
  weights.output_norm = reader.norm(layer + "output.LayerNorm", hidden);
  return weights;
}

}  // namespace

EncoderWeights::EncoderWeights(const HuggingFaceFolder& files, const EncoderConfig& config,
                               EncoderPrecision precision, ThreadPool& pool)
    : arena(std::make_unique<Arena>("encoder weights")) {
  const WeightReader reader(files, precision, *arena, pool);
  const std::int64_t hidden = config.hidden_size;
  word_embeddings = reader.tensor("embeddings.word_embeddings.weight", {config.vocab_size, hidden});
  position_embeddings =
      reader.tensor("embeddings.position_embeddings.weight", {config.max_positions, hidden});
  token_types = Buffer(config.n_token_types * hidden * 4, "weights");
  const Tensor types =
      reader.tensor("embeddings.token_type_embeddings.weight", {config.n_token_types, hidden});
  for (std::int64_t i = 0; i < config.n_token_types; ++i)
    WeightReader::copy_row(types, i, token_types, i * hidden);
  embedding_norm = reader.norm("embeddings.LayerNorm", hidden);
  for (std::int64_t i = 0; i < config.n_layers; ++i)
    layers.push_back(read_layer(reader, config, i));
}

}  // namespace tinyllm
