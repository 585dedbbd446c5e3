// The operations of a layer, in the order of the recipe.

#include <algorithm>
#include <cstring>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/hadamard.h"

namespace tinyllm {
namespace {

// Panels a worker claims at once. A worker's claims follow each other in memory, so they may be
// small, and then nobody waits long for the last one; a claim costs about as much as 1 KiB. Many
// tokens go through a few panels together, so that their activations come from the L2 cache.
std::int64_t panel_chunk(const PackedMatrix& weights, std::int64_t n_rows, int n_workers) {
  const std::int64_t panel_bytes = weights.n_bytes() / weights.n_panels();
  const std::int64_t chunk = std::max<std::int64_t>(1, (std::int64_t{32} << 10) / panel_bytes);
  if (n_rows <= kMaxPanelTokens) return chunk;
  return std::max(chunk, std::min<std::int64_t>(4, weights.n_panels() / (8 * n_workers)));
}

}  // namespace

void CpuBackend::for_each_token(function_ref<void(std::int64_t t)> each) {
  if (batch_.n_tokens == 1) return each(0);
  pool_->parallel_for(batch_.n_tokens, 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) each(t);
  });
}

void CpuBackend::normalise(const float* x, VectorId norm, float eps, const PackedMatrix& weights,
                           float split_above, std::int64_t t) {
  kernels_.rms_norm(x, vector(norm), normed_.row(t), sizes_.hidden_size, eps);
  if (weights.has_quantised()) normed_.quantise(kernels_, t, split_above);
}

void CpuBackend::collect_residuals(const PackedMatrix& weights, Activations& x,
                                   std::int64_t n_rows) {
  if (n_rows == 1 || !weights.has_quantised()) return;
  const std::int64_t n_blocks = (n_rows + kMaxPanelTokens - 1) / kMaxPanelTokens;
  pool_->parallel_for(
      n_blocks, 1, [&](std::int64_t block, std::int64_t) { x.collect_residuals(block, n_rows); });
}

void CpuBackend::multiply_panel(const PackedMatrix& weights, std::int64_t panel, Activations& x,
                                std::int64_t t, std::int64_t n, float* y) {
  const auto format = static_cast<std::size_t>(weights.format_of_panel(panel));
  const std::byte* bytes = weights.panel(panel);
  if (kernels_.quant_panel[format] != nullptr) {
    kernels_.quant_panel[format](bytes, weights.n_cols(), x.quantised() + t,
                                 &x.residuals(t / kMaxPanelTokens), n, y, kTileRows);
  } else {
    kernels_.float_panel[format](bytes, weights.n_cols(), x.row(t), x.stride(), n, y, kTileRows);
  }
}

void CpuBackend::for_each_block(
    std::int64_t n_tasks, std::int64_t chunk, std::int64_t n_rows,
    function_ref<void(std::int64_t task, std::int64_t t, std::int64_t n)> each) {
  pool_->parallel_for(n_tasks, chunk, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = 0; t < n_rows; t += kMaxPanelTokens) {
      for (std::int64_t task = begin; task < end; ++task)
        each(task, t, std::min(kMaxPanelTokens, n_rows - t));
    }
  });
}

void CpuBackend::multiply(const PackedMatrix& weights, Activations& x, std::int64_t n_rows,
                          Sink sink) {
  collect_residuals(weights, x, n_rows);
  for_each_block(weights.n_panels(), panel_chunk(weights, n_rows, pool_->n_workers()), n_rows,
                 [&](std::int64_t panel, std::int64_t t, std::int64_t n) {
                   alignas(64) float y[kMaxPanelTokens * kTileRows];
                   multiply_panel(weights, panel, x, t, n, y);
                   sink(panel * kTileRows, t, n, y);
                 });
}

void CpuBackend::multiply_into(const PackedMatrix& weights, Activations& x, std::int64_t n_rows,
                               float* out, std::int64_t stride) {
  multiply(
      weights, x, n_rows, [&](std::int64_t col, std::int64_t t, std::int64_t n, const float* y) {
        for (std::int64_t i = 0; i < n; ++i) {
          std::memcpy(out + (t + i) * stride + col, y + i * kTileRows, kTileRows * sizeof(float));
        }
      });
}

void CpuBackend::add_projection(const PackedMatrix& weights, Activations& x, VectorId bias_id) {
  const float* bias = vector(bias_id);
  multiply(weights, x, batch_.n_tokens,
           [&](std::int64_t col, std::int64_t t, std::int64_t n, const float* y) {
             const std::int64_t n_cols = std::min(kTileRows, sizes_.hidden_size - col);
             for (std::int64_t i = 0; i < n; ++i) {
               float* hidden = hidden_row(t + i) + col;
               kernels_.add(hidden, y + i * kTileRows, n_cols);
               if (bias != nullptr) kernels_.add(hidden, bias + col, n_cols);
             }
           });
}

void CpuBackend::embed(MatrixId embed_tokens) {
  const PackedMatrix& table = matrix(embed_tokens);
  for_each_token([&](std::int64_t t) {
    std::int32_t token_id = batch_.token_ids[static_cast<std::size_t>(t)];
    if (token_id == kLastSampled) {
      const auto seq = static_cast<std::size_t>(token_seqs_[static_cast<std::size_t>(t)]);
      token_id = last_drawn(batch_.row_slots[seq]);
    }
    table.unpack(token_id, hidden_row(t));
  });
  mark(StepPart::embedding);
}

void CpuBackend::attention_input(const LayerSpec& layer) {
  const PackedMatrix& weights = matrix(layer.qkv_proj);
  for_each_token([&](std::int64_t t) {
    normalise(hidden_row(t), layer.input_norm, layer.norm_eps, weights, kSplitMore, t);
  });
  mark(StepPart::norm);
  multiply_into(weights, normed_, batch_.n_tokens, qkv_.as<float>().data(), qkv_stride_);
  mark(StepPart::qkv, weights, batch_.n_tokens);
  for_each_token([&](std::int64_t t) {
    for (std::int32_t head = 0; head < layer.attention.n_kv_heads; ++head)
      finish_heads(layer, t, head);
  });
  mark(StepPart::rope);
}

void CpuBackend::finish_heads(const LayerSpec& layer, std::int64_t t, std::int32_t kv_head) {
  const AttentionSpec& spec = layer.attention;
  const PackedMatrix& weights = matrix(layer.qkv_proj);
  const std::int64_t dim = spec.head_dim, group = spec.n_heads / spec.n_kv_heads;
  const float* bias = vector(layer.qkv_bias);
  const std::int32_t position = batch_.positions[static_cast<std::size_t>(t)];
  float* qkv = qkv_.as<float>().data() + t * qkv_stride_;
  float* k = qkv + weights.parts()[1].first_panel * kTileRows + kv_head * dim;
  float* v = qkv + weights.parts()[2].first_panel * kTileRows + kv_head * dim;

  for (std::int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head) {
    float* q = qkv + head * dim;
    if (bias != nullptr) kernels_.add(q, bias + head * dim, dim);
    if (layer.q_norm != VectorId::none)
      kernels_.rms_norm(q, vector(layer.q_norm), q, dim, layer.norm_eps);
    rotate(layer, q, position);
  }
  if (bias != nullptr) {
    kernels_.add(k, bias + spec.q_size() + kv_head * dim, dim);
    kernels_.add(v, bias + spec.q_size() + spec.kv_size() + kv_head * dim, dim);
  }
  if (layer.k_norm != VectorId::none)
    kernels_.rms_norm(k, vector(layer.k_norm), k, dim, layer.norm_eps);
  rotate(layer, k, position);
  if (spreads_keys_) {
    hadamard_transform(k, dim);
    for (std::int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head)
      hadamard_transform(qkv + head * dim, dim);
  }
  const std::int32_t slot = batch_.slot_mapping[static_cast<std::size_t>(t)];
  kernels_.store_kv(kv_pages(layer.layer_idx, kv_head), slot / kv_.block_size,
                    slot % kv_.block_size, k, v);
}

void CpuBackend::rotate(const LayerSpec& layer, float* head, std::int32_t position) {
  const std::int64_t half = layer.attention.head_dim / 2;
  const float* cos = rope_cos_.as<float>().data() + position * half;
  const float* sin = rope_sin_.as<float>().data() + position * half;
  const auto rope = layer.attention.rope_pairing == RopePairing::interleaved
                        ? kernels_.rope_interleaved
                        : kernels_.rope_split_halves;
  rope(head, cos, sin, layer.attention.head_dim);
}

AttentionQueries CpuBackend::queries_of(const QueryChunk& chunk, const AttentionSpec& spec,
                                        std::int32_t kv_head) {
  const std::int32_t group = spec.n_heads / spec.n_kv_heads;
  const std::int64_t offset = std::int64_t{kv_head} * group * spec.head_dim;
  return {.q = qkv_.as<float>().data() + chunk.first_token * qkv_stride_ + offset,
          .out = attended_.row(chunk.first_token) + offset,
          .q_stride = qkv_stride_,
          .out_stride = attended_.stride(),
          .n_tokens = chunk.n_tokens,
          .n_heads = group,
          .position = batch_.positions[static_cast<std::size_t>(chunk.first_token)],
          .window = spec.window};
}

void CpuBackend::attention(const LayerSpec& layer) {
  const AttentionSpec& spec = layer.attention;
  const std::int32_t run = plan_segment_runs(spec);
  if (run > 0) {
    attention_in_runs(layer, run);
  } else {
    const std::int64_t n_tasks = std::int64_t{n_query_chunks_} * spec.n_kv_heads;
    pool_->parallel_for(n_tasks, 1, [&](int worker_idx, std::int64_t task, std::int64_t) {
      const QueryChunk& chunk = query_chunks_[static_cast<std::size_t>(task / spec.n_kv_heads)];
      const auto kv_head = static_cast<std::int32_t>(task % spec.n_kv_heads);
      kernels_.attention.attend(queries_of(chunk, spec, kv_head),
                                kv_pages(layer.layer_idx, kv_head), block_table(chunk), spec.scale,
                                scratch_of(worker_idx));
    });
  }
  if (profile_ != nullptr) mark_attention(spec);
}

std::int32_t CpuBackend::plan_segment_runs(const AttentionSpec& spec) {
  const std::int64_t n_workers = pool_->n_workers();
  if (n_workers == 1 || n_query_chunks_ * spec.n_kv_heads >= kTasksPerWorker * n_workers) return 0;
  std::int64_t n_rows = 0, n_segments = 0;
  bool several = false;
  for (std::int32_t i = 0; i < n_query_chunks_; ++i) {
    QueryChunk& chunk = query_chunks_[static_cast<std::size_t>(i)];
    const AttentionQueries queries = queries_of(chunk, spec, 0);
    const std::int32_t n = queries.end_segment() - queries.first_segment();
    chunk.first_partial = n_rows;
    chunk.n_partials = std::int64_t{n} * queries.n_queries();
    n_rows += chunk.n_partials * spec.n_kv_heads;
    n_segments += std::int64_t{n} * spec.n_kv_heads;
    several = several || n > 1;
  }
  const std::int64_t n_bytes = n_rows * attention_partial_floats(spec.head_dim) * 4;
  if (!several || n_bytes > partials_.n_bytes()) return 0;
  return static_cast<std::int32_t>(
      std::max<std::int64_t>(1, n_segments / (kTasksPerWorker * n_workers)));
}

void CpuBackend::attention_in_runs(const LayerSpec& layer, std::int32_t run) {
  const AttentionSpec& spec = layer.attention;
  const std::int64_t row = attention_partial_floats(spec.head_dim);
  const auto partials_of = [&](const QueryChunk& chunk, std::int32_t kv_head) {
    return partials_.as<float>().data() + (chunk.first_partial + kv_head * chunk.n_partials) * row;
  };
  std::int32_t most_runs = 0;  // a chunk with fewer has empty tasks
  for (std::int32_t i = 0; i < n_query_chunks_; ++i) {
    const AttentionQueries queries =
        queries_of(query_chunks_[static_cast<std::size_t>(i)], spec, 0);
    const std::int32_t n = queries.end_segment() - queries.first_segment();
    most_runs = std::max(most_runs, (n + run - 1) / run);
  }
  const std::int64_t n_pairs = std::int64_t{n_query_chunks_} * spec.n_kv_heads;
  pool_->parallel_for(n_pairs * most_runs, 1, [&](int worker_idx, std::int64_t task, std::int64_t) {
    const std::int64_t pair = task / most_runs;
    const QueryChunk& chunk = query_chunks_[static_cast<std::size_t>(pair / spec.n_kv_heads)];
    const auto kv_head = static_cast<std::int32_t>(pair % spec.n_kv_heads);
    const AttentionQueries queries = queries_of(chunk, spec, kv_head);
    const std::int32_t first =
        queries.first_segment() + static_cast<std::int32_t>(task % most_runs) * run;
    kernels_.attention.make_partials(queries, kv_pages(layer.layer_idx, kv_head),
                                     block_table(chunk), spec.scale, first,
                                     std::min(first + run, queries.end_segment()),
                                     partials_of(chunk, kv_head), scratch_of(worker_idx));
  });
  pool_->parallel_for(n_pairs, 1, [&](int worker_idx, std::int64_t pair, std::int64_t) {
    const QueryChunk& chunk = query_chunks_[static_cast<std::size_t>(pair / spec.n_kv_heads)];
    const auto kv_head = static_cast<std::int32_t>(pair % spec.n_kv_heads);
    kernels_.attention.merge_partials(queries_of(chunk, spec, kv_head),
                                      kv_pages(layer.layer_idx, kv_head),
                                      partials_of(chunk, kv_head), scratch_of(worker_idx));
  });
}

void CpuBackend::attention_output(const LayerSpec& layer) {
  const PackedMatrix& weights = matrix(layer.o_proj);
  if (weights.has_quantised()) {
    for_each_token([&](std::int64_t t) { attended_.quantise(kernels_, t, kSplitLarge); });
  }
  add_projection(weights, attended_, layer.o_bias);
  mark(StepPart::o_proj, weights, batch_.n_tokens);
}

void CpuBackend::gate_and_up(const LayerSpec& layer) {
  const PackedMatrix& weights = matrix(layer.gate_up_proj);
  const float* bias = vector(layer.gate_up_bias);
  const std::int64_t n_rows = batch_.n_tokens, n_gated = sizes_.intermediate_size;
  const std::int64_t chunk = (panel_chunk(weights, n_rows, pool_->n_workers()) + 1) / 2;
  collect_residuals(weights, normed_, n_rows);
  for_each_block(
      weights.n_panels() / 2, chunk, n_rows,
      [&](std::int64_t pair, std::int64_t t, std::int64_t n) {
        alignas(64) float gates[kMaxPanelTokens * kTileRows], ups[kMaxPanelTokens * kTileRows];
        multiply_panel(weights, 2 * pair, normed_, t, n, gates);
        multiply_panel(weights, 2 * pair + 1, normed_, t, n, ups);
        const std::int64_t col = pair * kTileRows, n_cols = std::min(kTileRows, n_gated - col);
        for (std::int64_t i = 0; i < n; ++i) {
          float *gate = gates + i * kTileRows, *up = ups + i * kTileRows;
          if (bias != nullptr) {
            kernels_.add(gate, bias + col, n_cols);
            kernels_.add(up, bias + n_gated + col, n_cols);
          }
          kernels_.silu_mul(gate, up, gated_.row(t + i) + col, n_cols);
        }
      });
}

void CpuBackend::mlp(const LayerSpec& layer) {
  const PackedMatrix& gate_up_weights = matrix(layer.gate_up_proj);
  const PackedMatrix& down_weights = matrix(layer.down_proj);
  for_each_token([&](std::int64_t t) {
    normalise(hidden_row(t), layer.post_attention_norm, layer.norm_eps, gate_up_weights,
              kSplitLarge, t);
  });
  mark(StepPart::norm);
  gate_and_up(layer);
  mark(StepPart::gate_up, gate_up_weights, batch_.n_tokens);
  if (down_weights.has_quantised()) {
    for_each_token([&](std::int64_t t) { gated_.quantise(kernels_, t, kSplitLarge); });
  }
  add_projection(down_weights, gated_, layer.down_bias);
  mark(StepPart::down_proj, down_weights, batch_.n_tokens);
}

}  // namespace tinyllm
