#include "loader/random_checkpoint.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/available_memory.h"
#include "base/error.h"
#include "base/quote.h"
#include "loader/weight_names.h"
#include "quant/decode.h"
#include "quant/quantise.h"

namespace tinyllm {
namespace {

constexpr std::string_view kPrefix = "random:";

// The published config.json of each shape.
struct PublishedShape {
  const char* name;
  const char* architecture;
  std::int64_t vocab_size, hidden_size, intermediate_size, n_layers, n_heads, n_kv_heads, head_dim;
  std::int64_t max_seq_len;
  bool tied;
  std::int64_t n_experts = 0, n_experts_per_token = 0;
  std::int64_t expert_size = 0, shared_expert_size = 0;
};
constexpr std::array<PublishedShape, 6> kShapes = {{
    {"qwen2.5-0.5b", "qwen2", 151936, 896, 4864, 24, 14, 2, 64, 32768, true},
    {"qwen2.5-1.5b", "qwen2", 151936, 1536, 8960, 28, 12, 2, 128, 32768, true},
    {"qwen2.5-7b", "qwen2", 152064, 3584, 18944, 28, 28, 4, 128, 32768, false},
    {"qwen3-0.6b", "qwen3", 151936, 1024, 3072, 28, 16, 8, 128, 40960, true},
    {"qwen1.5-moe-a2.7b", "qwen2moe", 151936, 2048, 5632, 24, 16, 16, 128, 8192, false, 60, 4, 1408,
     5632},
    {"qwen3-30b-a3b", "qwen3moe", 151936, 2048, 6144, 48, 32, 4, 128, 40960, false, 128, 8, 768},
}};
constexpr std::array<DType, 6> kRandomFormats = {DType::f32,  DType::f16,  DType::bf16,
                                                 DType::q8_0, DType::q4_0, DType::q4_k};

void set_by_architecture(ModelConfig& config) {
  const std::string& name = config.architecture;
  config.qkv_bias = name == "qwen2" || name == "qwen2moe";
  config.qk_norm = name == "qwen3" || name == "qwen3moe";
  config.moe.norm_weights = name == "qwen3moe";
}

ModelConfig config_of(const PublishedShape& shape) {
  ModelConfig config;
  config.architecture = shape.architecture;
  config.vocab_size = shape.vocab_size;
  config.hidden_size = shape.hidden_size;
  config.intermediate_size = shape.intermediate_size;
  config.n_layers = shape.n_layers;
  config.n_heads = shape.n_heads;
  config.n_kv_heads = shape.n_kv_heads;
  config.head_dim = shape.head_dim;
  config.max_seq_len = shape.max_seq_len;
  config.norm_eps = 1e-6f;
  config.rope_theta = 1e6;
  config.rope_pairing = RopePairing::split_halves;
  set_by_architecture(config);
  config.tie_word_embeddings = shape.tied;
  config.moe.n_experts = shape.n_experts;
  config.moe.n_experts_per_token = shape.n_experts_per_token;
  config.moe.intermediate_size = shape.expert_size;
  config.moe.shared_intermediate_size = shape.shared_expert_size;
  return config;
}

// One weight to be made.
struct Plan {
  std::string name;
  DType dtype;
  Shape shape;
  float mean, spread;  // values lie in mean + [-spread, spread)
};

// Names, sizes and spreads of every weight of a model.
class Planner {
 public:
  Planner(const ModelConfig& config, DType format) : config_(config), format_(format) {}
  std::vector<Plan> plan();

 private:
  // Uniform values of variance 1 / n_in: a product keeps the size of its input.
  void matrix(std::string name, std::int64_t n_out, std::int64_t n_in) {
    matrix(std::move(name), n_out, n_in, matrix_format(format_, n_in));
  }
  void matrix(std::string name, std::int64_t n_out, std::int64_t n_in, DType format) {
    const auto spread = static_cast<float>(std::sqrt(3.0 / static_cast<double>(n_in)));
    plans_.push_back({std::move(name), format, {n_out, n_in}, 0.0f, spread});
  }
  void vector(std::string name, std::int64_t n, float mean) {
    plans_.push_back({std::move(name), DType::f32, {n}, mean, 0.1f});
  }
  void projection(std::int64_t layer, const WeightName& name, std::int64_t n_out, std::int64_t n_in,
                  bool has_bias = false) {
    matrix(layer_weight_name(kNaming, layer, name), n_out, n_in);
    if (has_bias) vector(layer_weight_name(kNaming, layer, name, WeightPart::bias), n_out, 0.0f);
  }
  void norm(std::int64_t layer, const WeightName& name, std::int64_t n) {
    vector(layer_weight_name(kNaming, layer, name), n, 1.0f);
  }
  void attention(std::int64_t layer);
  void mlp(std::int64_t layer);
  void experts(std::int64_t layer);

  static constexpr WeightNaming kNaming = WeightNaming::hugging_face;
  const ModelConfig& config_;
  DType format_;
  std::vector<Plan> plans_;
};

void Planner::attention(std::int64_t layer) {
  const ModelConfig& c = config_;
  norm(layer, kInputNorm, c.hidden_size);
  projection(layer, kQProj, c.q_size(), c.hidden_size, c.qkv_bias);
  projection(layer, kKProj, c.kv_size(), c.hidden_size, c.qkv_bias);
  projection(layer, kVProj, c.kv_size(), c.hidden_size, c.qkv_bias);
  if (c.qk_norm) norm(layer, kQNorm, c.head_dim);
  if (c.qk_norm) norm(layer, kKNorm, c.head_dim);
  projection(layer, kOProj, c.hidden_size, c.q_size(), c.o_bias);
  norm(layer, kPostAttentionNorm, c.hidden_size);
}

void Planner::mlp(std::int64_t layer) {
  const ModelConfig& c = config_;
  projection(layer, kGateProj, c.intermediate_size, c.hidden_size, c.mlp_bias);
  projection(layer, kUpProj, c.intermediate_size, c.hidden_size, c.mlp_bias);
  projection(layer, kDownProj, c.hidden_size, c.intermediate_size, c.mlp_bias);
}

void Planner::experts(std::int64_t layer) {
  const MoeConfig& moe = config_.moe;
  const std::int64_t n = config_.hidden_size;
  matrix(layer_weight_name(kNaming, layer, kRouter), moe.n_experts, n, DType::f32);
  for (std::int64_t i = 0; i < moe.n_experts; ++i) {
    matrix(expert_weight_name(layer, i, kExpertGateProj), moe.intermediate_size, n);
    matrix(expert_weight_name(layer, i, kExpertUpProj), moe.intermediate_size, n);
    matrix(expert_weight_name(layer, i, kExpertDownProj), n, moe.intermediate_size);
  }
  if (moe.shared_intermediate_size == 0) return;
  matrix(layer_weight_name(kNaming, layer, kSharedScale), 1, n, DType::f32);
  projection(layer, kSharedGateProj, moe.shared_intermediate_size, n);
  projection(layer, kSharedUpProj, moe.shared_intermediate_size, n);
  projection(layer, kSharedDownProj, n, moe.shared_intermediate_size);
}

std::vector<Plan> Planner::plan() {
  const ModelConfig& c = config_;
  matrix(weight_name(kNaming, kEmbedTokens), c.vocab_size, c.hidden_size);
  vector(weight_name(kNaming, kFinalNorm), c.hidden_size, 1.0f);
  if (!c.tie_word_embeddings) matrix(weight_name(kNaming, kLmHead), c.vocab_size, c.hidden_size);
  for (std::int64_t layer = 0; layer < c.n_layers; ++layer) {
    attention(layer);
    c.has_experts(layer) ? experts(layer) : mlp(layer);
  }
  return std::move(plans_);
}

// Spreads every input bit over the output (Steele et al. 2014, SplitMix64).
std::uint64_t mix64(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

// The same for 32 bits (Wellons' prospected "lowbias32"), one a value: a loop over it vectorises.
std::uint32_t mix32(std::uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7FEB352Du;
  x = (x ^ (x >> 15)) * 0x846CA68Bu;
  return x ^ (x >> 16);
}

std::uint64_t hash_name(const std::string& name) {
  std::uint64_t hash = 0;
  for (const char c : name) hash = mix64(hash ^ static_cast<unsigned char>(c));
  return hash;
}

// Value k of a row is a function of the weight's name, the row and k.
void fill_row(const Plan& plan, std::uint64_t name_hash, std::int64_t row,
              std::vector<float>& values) {
  const auto key = static_cast<std::uint32_t>(mix64(name_hash + static_cast<std::uint64_t>(row)));
  const double step = static_cast<double>(plan.spread) * 0x1.0p-23;
  for (std::size_t k = 0; k < values.size(); ++k) {
    const std::uint32_t bits = mix32(static_cast<std::uint32_t>(k) * 0x9E3779B9u + key);
    const std::int32_t centred = static_cast<std::int32_t>(bits >> 8) - (1 << 23);  // [-2^23, 2^23)
    // In double the product is exact, so fused or not the sum is the same: equal bytes everywhere.
    values[k] = static_cast<float>(static_cast<double>(plan.mean) + step * centred);
  }
}

void fill(const Plan& plan, std::byte* data, ThreadPool& pool) {
  const std::uint64_t name_hash = hash_name(plan.name);
  const std::int64_t n_cols = plan.shape.last();
  const std::int64_t stride = row_bytes(plan.dtype, n_cols);
  pool.parallel_for(plan.shape.n_elems() / n_cols, 64, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> values(n_cols);
    for (std::int64_t row = begin; row < end; ++row) {
      fill_row(plan, name_hash, row, values);
      encode_row(plan.dtype, values.data(), data + row * stride, n_cols);
    }
  });
}

std::string known_names() {
  std::string text = "shapes are";
  for (const PublishedShape& shape : kShapes) text += std::string(" ") + shape.name;
  text += ", and a name with -4l behind it is its first 4 layers; formats are";
  for (const DType format : kRandomFormats) text += std::string(" ") + tinyllm::name(format);
  return text;
}

// "qwen3-30b-a3b", or "qwen3-30b-a3b-4l" for its first 4 layers.
std::optional<ModelConfig> find_shape(std::string_view name) {
  for (const PublishedShape& shape : kShapes) {
    if (!name.starts_with(shape.name)) continue;
    ModelConfig config = config_of(shape);
    std::string_view cut = name.substr(std::string_view(shape.name).size());
    if (cut.empty()) return config;
    std::int64_t n_layers = 0;
    const auto [end, error] = std::from_chars(cut.data() + 1, cut.data() + cut.size(), n_layers);
    const bool is_cut =
        cut.front() == '-' && error == std::errc() && end + 1 == cut.end() && *end == 'l';
    if (!is_cut || n_layers < 1 || n_layers > config.n_layers) return std::nullopt;
    config.n_layers = n_layers;
    return config;
  }
  return std::nullopt;
}

}  // namespace

bool is_random_name(std::string_view name) { return name.starts_with(kPrefix); }

ModelConfig small_config(const std::string& architecture) {
  ModelConfig config;
  config.architecture = architecture;
  config.vocab_size = 67;
  config.hidden_size = 64;
  config.intermediate_size = 96;
  config.n_layers = 2;
  config.n_heads = 4;
  config.n_kv_heads = 2;
  config.head_dim = 16;
  config.max_seq_len = 256;
  set_by_architecture(config);
  if (architecture.ends_with("moe")) {
    config.moe.n_experts = 6;
    config.moe.n_experts_per_token = 2;
    config.moe.intermediate_size = 40;
    config.moe.shared_intermediate_size = architecture == "qwen2moe" ? 72 : 0;
  }
  return config;
}

Checkpoint make_random_checkpoint(const std::string& name, ThreadPool& pool) {
  const std::string_view rest =
      std::string_view(name).substr(is_random_name(name) ? kPrefix.size() : 0);
  const std::size_t colon = rest.find(':');
  const std::string_view format_name = colon == rest.npos ? "" : rest.substr(colon + 1);
  const std::optional<ModelConfig> config = find_shape(rest.substr(0, colon));
  for (const DType format : kRandomFormats) {
    if (config && format_name == tinyllm::name(format))
      return make_random_checkpoint(name, *config, format, pool);
  }
  fail(ErrorCode::invalid_input, "{} is not a random model; it must be random:SHAPE:FORMAT; {}",
       quote(name), known_names());
}

Checkpoint make_random_checkpoint(const std::string& name, const ModelConfig& config, DType format,
                                  ThreadPool& pool) {
  validate(config, name);
  const std::vector<Plan> plans = Planner(config, format).plan();
  std::int64_t n_bytes = 0;
  const auto bytes_of = [](const Plan& plan) {
    return plan.shape.n_elems() / plan.shape.last() * row_bytes(plan.dtype, plan.shape.last());
  };
  for (const Plan& plan : plans) n_bytes += bytes_of(plan);
  if (const std::int64_t available = available_memory_bytes(); n_bytes > available) {
    fail(ErrorCode::out_of_memory, "{}: the weights need {:.1f} GB of memory, {:.1f} GB are free",
         name, static_cast<double>(n_bytes) / 1e9, static_cast<double>(available) / 1e9);
  }
  TensorMap tensors;
  std::vector<Buffer> buffers;
  buffers.reserve(plans.size());
  for (const Plan& plan : plans) {
    Buffer& buffer = buffers.emplace_back(bytes_of(plan), "random weights");
    fill(plan, buffer.data(), pool);
    tensors[plan.name] = {buffer.data(), plan.dtype, plan.shape};
  }
  return Checkpoint::from_memory(name, config, std::move(tensors), std::move(buffers));
}

}  // namespace tinyllm
