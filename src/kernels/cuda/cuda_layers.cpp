// The calls of the recipe, in their order.

#include <algorithm>

#include "base/check.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/decode_attention.h"
#include "kernels/cuda/embed.h"
#include "kernels/cuda/norm.h"
#include "kernels/cuda/rope_and_store.h"

namespace tinyllm::cuda {

// Where the tensor cores have more rows than launch_linear streams for free. cuBLASLt's order of
// additions is its own.
bool CudaBackend::goes_to_gemm(const LinearWeights& weights, std::int32_t n) const {
  return gemm_.is_there() && !context_.is_deterministic() &&
         n > (weights.format == WeightFormat::bf16 ? 16 : 64);
}

void CudaBackend::multiply_large(const LinearWeights& weights, const LinearInput& input,
                                 std::int32_t n, void* out, std::int64_t stride,
                                 GemmOutput output) {
  GemmArgs args;
  args.x = input.x;
  args.x_stride = input.stride;
  args.out_stride = stride;
  args.n_cols = weights.n_cols;
  args.n = n;
  args.output = output;
  args.weights_stride = padded_to(weights.n_cols, 64);
  const bool is_bf16 = weights.format == WeightFormat::bf16;
  const std::int32_t n_rows =
      output == GemmOutput::store_bf16 ? weights.n_padded_rows : weights.n_rows;
  const std::int32_t at_once = is_bf16 ? n_rows : kDequantisedRows;
  for (std::int32_t first = 0; first < n_rows; first += at_once) {
    args.n_rows = std::min(at_once, n_rows - first);
    args.weights = reinterpret_cast<const __nv_bfloat16*>(weights.data);
    if (!is_bf16) {
      launch_dequantise(context_, weights, first, args.n_rows, dequantised_.as<__nv_bfloat16>());
      args.weights = dequantised_.as<__nv_bfloat16>();
    }
    args.out = output == GemmOutput::store_bf16
                   ? static_cast<void*>(static_cast<__nv_bfloat16*>(out) + first)
                   : static_cast<void*>(static_cast<float*>(out) + first);
    gemm_.launch(args);
  }
}

void CudaBackend::multiply(const Matrix& weights, const LinearInput& input, std::int32_t n,
                           float* out, std::int64_t stride, LinearEpilogue epilogue,
                           VectorId bias_id) {
  const float* bias = vector(bias_id);
  for (std::size_t i = 0; i < weights.sections.size(); ++i) {
    const LinearWeights& section = weights.sections[i];
    const std::int32_t first = weights.first_rows[i];
    if (goes_to_gemm(section, n)) {
      multiply_large(section, input, n, out + first, stride,
                     epilogue == LinearEpilogue::add ? GemmOutput::add_f32 : GemmOutput::store_f32);
    } else {
      launch_linear(context_, section, input, n, {epilogue, out + first, nullptr, stride, nullptr});
    }
  }
  if (bias != nullptr) launch_add_bias(context_, out, n, weights.n_rows, bias);
}

bool CudaBackend::fuses_norm(const Matrix& weights, std::int32_t n) const {
  return n <= kMaxFusedNormRows && weights.sections.size() == 1 &&
         weights.n_bytes <= kMaxFusedNormBytes && !context_.is_deterministic();
}

LinearInput CudaBackend::normed_input(const Matrix& weights, VectorId norm, float eps) {
  LinearInput input;
  if (fuses_norm(weights, n_tokens_)) {
    input.hidden = hidden_.as<float>();
    input.norm = vector(norm);
    input.norm_eps = eps;
    input.stride = sizes_.hidden_size;
    return input;
  }
  launch_rms_norm(context_, hidden_.as<float>(), {}, n_tokens_, sizes_.hidden_size, vector(norm),
                  eps, normed_.as<__nv_bfloat16>(), hidden_stride_);
  input.x = normed_.as<__nv_bfloat16>();
  input.stride = hidden_stride_;
  return input;
}

AttentionShape CudaBackend::attention_shape(const AttentionSpec& spec) const {
  return {spec.n_heads, spec.n_kv_heads, spec.head_dim, spec.scale, spec.window};
}

__nv_bfloat16* CudaBackend::layer_pages(std::int32_t layer_idx) const {
  return pages_.as<__nv_bfloat16>() + layer_idx * layer_elems_;
}

KvView CudaBackend::kv_view(std::int32_t layer_idx) const {
  return {layer_pages(layer_idx), uploaded<std::int32_t>(layout_.blocks), kv_.block_size,
          attention_.n_kv_heads};
}

void CudaBackend::embed(MatrixId embed_tokens) {
  const Matrix& table = matrix(embed_tokens);
  launch_embed(context_, table.sections[0], uploaded<TokenId>(layout_.ids),
               last_drawn_.as<TokenId>(), n_tokens_, hidden_.as<float>());
}

void CudaBackend::attention_input(const LayerSpec& layer) {
  note_layer(layer);
  if (key_.one_row) return;
  const Matrix& weights = matrix(layer.qkv_proj);
  const LinearInput input = normed_input(weights, layer.input_norm, layer.norm_eps);
  const AttentionSpec& spec = layer.attention;
  multiply(weights, input, n_tokens_, qkv_.as<float>(), weights.n_rows, LinearEpilogue::store,
           VectorId::none);
  const RopeAndStoreShape shape{spec.n_heads,   spec.n_kv_heads,   spec.head_dim,
                                kv_.block_size, spec.rope_pairing, layer.norm_eps};
  RopeAndStoreInput rope;
  rope.positions = uploaded<std::int32_t>(layout_.positions);
  rope.slot_mapping = uploaded<std::int32_t>(layout_.slot_mapping);
  rope.bias = vector(layer.qkv_bias);
  rope.q_norm = vector(layer.q_norm);
  rope.k_norm = vector(layer.k_norm);
  rope.cos = rope_cos_.as<float>();
  rope.sin = rope_sin_.as<float>();
  launch_rope_and_store(context_, shape, rope, n_tokens_, qkv_.as<float>(), q_.as<__nv_bfloat16>(),
                        layer_pages(layer.layer_idx));
}

void CudaBackend::attention(const LayerSpec& layer) {
  if (key_.one_row) return;
  const AttentionShape shape = attention_shape(layer.attention);
  const KvView kv = kv_view(layer.layer_idx);
  const auto* q = q_.as<__nv_bfloat16>();
  auto* out = attended_.as<__nv_bfloat16>();
  if (!has_fast_attention_) {
    launch_naive_attention(context_, shape, kv, uploaded<std::int32_t>(layout_.positions),
                           uploaded<std::int32_t>(layout_.block_begins), n_tokens_, q, out);
    return;
  }
  if (!planner_.decode_ranges.empty()) {
    DecodePlanView plan;
    plan.segments = uploaded<AttentionSegment>(layout_.segments);
    plan.slot_starts = uploaded<std::int32_t>(layout_.slot_starts);
    plan.n_slots = plan_sizes_.n_slots;
    plan.max_rows = plan_sizes_.max_rows;
    plan.parts = parts_.as<float>();
    plan.part_sums = part_sums_.as<float2>();
    plan.counters = counters_.as<std::int32_t>();
    launch_decode_attention(context_, shape, kv, plan, q, out);
  }
  if (counts_.n_tiles > 0) {
    launch_prefill_attention(context_, shape, kv, uploaded<PrefillTile>(layout_.tiles),
                             counts_.n_tiles, q, out);
  }
}

void CudaBackend::attention_output(const LayerSpec& layer) {
  if (key_.one_row) return;
  LinearInput input;
  input.x = attended_.as<__nv_bfloat16>();
  input.stride = layer.attention.q_size();
  multiply(matrix(layer.o_proj), input, n_tokens_, hidden_.as<float>(), sizes_.hidden_size,
           LinearEpilogue::add, layer.o_bias);
}

LinearInput CudaBackend::gated_product(const MlpSpec& spec, const LinearInput& input,
                                       std::int32_t n) {
  const LinearWeights& section = matrix(spec.gate_up_proj).sections[0];
  auto* gated = gated_.as<__nv_bfloat16>();
  const float* bias = vector(spec.gate_up_bias);
  if (goes_to_gemm(section, n)) {
    multiply_large(section, input, n, gate_up_.data(), section.n_padded_rows,
                   GemmOutput::store_bf16);
    launch_gate(context_, gate_up_.as<__nv_bfloat16>(), n, spec.intermediate_size, bias, gated,
                gated_stride_);
  } else {
    launch_linear(context_, section, input, n,
                  {LinearEpilogue::gate, nullptr, gated, gated_stride_, bias});
  }
  LinearInput result;
  result.x = gated;
  result.stride = gated_stride_;
  return result;
}

void CudaBackend::mlp(const LayerSpec& layer) {
  if (key_.one_row) return;
  const MlpSpec& spec = layer.mlp;
  const LinearInput input =
      normed_input(matrix(spec.gate_up_proj), layer.post_attention_norm, layer.norm_eps);
  multiply(matrix(spec.down_proj), gated_product(spec, input, n_tokens_), n_tokens_,
           hidden_.as<float>(), sizes_.hidden_size, LinearEpilogue::add, spec.down_bias);
}

SampleBatchView CudaBackend::sample_view(std::int32_t first, std::int32_t n) const {
  SampleBatchView view;
  view.n_rows = n;
  view.vocab_size = sizes_.vocab_size;
  view.rows = uploaded<SampleRow>(layout_.samples) + first;
  view.biases = biases_.as<TokenBias>();
  view.banned_ids = banned_ids_.as<TokenId>();
  view.masks = masks_.as<std::uint32_t>();
  view.logits = logits_.as<float>();
  view.logits_stride = logits_stride_;
  return view;
}

SampleResults CudaBackend::results_view(std::int32_t first) const {
  const std::int32_t max_top = std::max(sizes_.max_logprobs, 1);
  const std::int64_t first_top = std::int64_t{first} * max_top;
  std::byte* at = results_.data();
  return {reinterpret_cast<TokenId*>(at + places_.ids) + first,
          reinterpret_cast<RowReport*>(at + places_.reports) + first,
          reinterpret_cast<TokenId*>(at + places_.top_ids) + first_top,
          reinterpret_cast<float*>(at + places_.top_logits) + first_top, max_top};
}

// Logits of samples [first, first + n), and what is drawn from them.
void CudaBackend::head_rows(const HeadWeights& head, std::int32_t first, std::int32_t n) {
  const Matrix& weights = matrix(head.lm_head);
  Flight& step = flight(n_begun_ - 1);
  const SampleBatchView view = sample_view(first, n);
  const bool wants_hidden = step.n_wanted_hidden > 0;
  LinearInput input;
  if (is_decode_ && fuses_norm(weights, n)) {  // sample i is of token i
    input.hidden = hidden_.as<float>();
    input.norm = vector(head.final_norm);
    input.norm_eps = head.norm_eps;
    input.stride = sizes_.hidden_size;
  } else {
    const RowPicks picks{reinterpret_cast<const std::int32_t*>(view.rows),
                         static_cast<std::int32_t>(sizeof(SampleRow) / 4)};
    launch_rms_norm(context_, hidden_.as<float>(), picks, n, sizes_.hidden_size,
                    vector(head.final_norm), head.norm_eps, head_normed_.as<__nv_bfloat16>(),
                    hidden_stride_, wants_hidden ? head_floats_.as<float>() : nullptr);
    input.x = head_normed_.as<__nv_bfloat16>();
    input.stride = hidden_stride_;
  }
  multiply(weights, input, n, logits_.as<float>(), logits_stride_, LinearEpilogue::store,
           VectorId::none);
  const SampleResults results = results_view(first);
  launch_prepare_rows(context_, view, state_, scratch_, results);
  if (key_.draws) launch_draw_rows(context_, view, scratch_, results);
  if (key_.reports) launch_report_rows(context_, view, scratch_, results);
  copy_wanted(first, n);
}

// The raw logits and hidden states that samples [first, first + n) ask for.
void CudaBackend::copy_wanted(std::int32_t first, std::int32_t n) {
  Flight& step = flight(n_begun_ - 1);
  if (step.n_wanted_logits + step.n_wanted_hidden == 0) return;
  const auto copy_row = [&](const PinnedBuffer& to, const DeviceBuffer& from, std::int64_t to_row,
                            std::int64_t from_row, std::int64_t n_cols, std::int64_t stride) {
    check(cudaMemcpyAsync(to.as<float>() + to_row * n_cols, from.as<float>() + from_row * stride,
                          static_cast<std::size_t>(n_cols) * 4, cudaMemcpyDeviceToHost,
                          context_.stream()),
          "downloading logits");
  };
  std::int64_t logits_row = 0, hidden_row = 0;
  for (std::int32_t i = 0; i < first + n; ++i) {
    const SampleRow& row = step.samples[static_cast<std::size_t>(i)];
    if (i >= first && row.wants_logits != 0)
      copy_row(step.logits, logits_, logits_row, i - first, sizes_.vocab_size, logits_stride_);
    if (i >= first && row.wants_hidden != 0)
      copy_row(step.hidden, head_floats_, hidden_row, i - first, sizes_.hidden_size,
               sizes_.hidden_size);
    logits_row += row.wants_logits;
    hidden_row += row.wants_hidden;
  }
}

void CudaBackend::head(const HeadWeights& head) {
  if (key_.one_row) run_one_row();
  for (std::int32_t first = 0; first < n_samples_; first += kHeadRows)
    head_rows(head, first, std::min(kHeadRows, n_samples_ - first));
  if (n_samples_ > 0)
    launch_accept_rows(context_, sample_view(0, n_samples_), state_, results_view(0));
}

}  // namespace tinyllm::cuda
