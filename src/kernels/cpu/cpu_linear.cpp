#include "kernels/cpu/cpu_linear.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "kernels/cpu/for_each_token.h"

namespace tinyllm {
namespace {

// Panels a worker claims at once. A worker's claims follow each other in memory, so they may be
// small, and then nobody waits long for the last one; a claim costs about as much as 1 KiB. Many
// tokens go through a few panels together, so that their activations come from the L2 cache.
std::int64_t panel_chunk(std::span<const LinearGroup> groups, int n_workers) {
  const PackedMatrix& weights = *groups.front().weights;
  const std::int64_t panel_bytes = weights.n_bytes() / weights.n_panels();
  const std::int64_t chunk = std::max<std::int64_t>(1, (std::int64_t{32} << 10) / panel_bytes);
  std::int64_t most_rows = 0;
  for (const LinearGroup& group : groups) most_rows = std::max(most_rows, group.n_rows);
  if (most_rows <= kMaxPanelTokens) return chunk;
  return std::max(chunk, std::min<std::int64_t>(4, weights.n_panels() / (8 * n_workers)));
}

// In how many parts the blocks of rows are shared out beside the panels. A narrow matrix has few
// panels a worker (28 for 16 make two rounds, the second half empty), a prompt has several blocks.
std::int64_t block_parts(std::int64_t n_items, std::int64_t n_blocks, int n_workers) {
  const std::int64_t wanted = n_workers == 1 ? 1 : 4 * std::int64_t{n_workers};
  return std::clamp<std::int64_t>((wanted + n_items - 1) / n_items, 1,
                                  std::max<std::int64_t>(1, n_blocks));
}

}  // namespace

void CpuLinear::configure(std::int64_t max_rows, std::int64_t max_cols,
                          std::int64_t max_gathered_rows, std::int64_t max_groups) {
  const std::int64_t stride = whole_tiles(max_cols), rows = std::max(max_rows, max_gathered_rows);
  const std::int64_t max_blocks = rows / kMaxPanelTokens + max_groups;
  residuals_ = ResidualBlocks(max_blocks, rows, stride);
  blocks_.reserve(max_blocks);
  first_block_.reserve(max_groups + 1);
  first_item_.reserve(max_groups + 1);
  gathered_.resize(max_gathered_rows);
  gathered_values_ = Buffer(max_gathered_rows * stride * 4, "activations");
  gathered_rounded_ = Buffer(max_gathered_rows * stride * 2, "activations");
}

CpuLinear::PassInput CpuLinear::prepare(std::span<const LinearGroup> groups, const LinearInput& x) {
  PassInput input = {x.rows.quantised(), x.rows.row(0), x.rows.rounded(0), x.rows.stride()};
  if (x.indices != nullptr) {
    gather(groups, x);
    input.quantised = gathered_.data();
    input.values = gathered_values_.as<float>().data();
    input.rounded = gathered_rounded_.as<std::uint16_t>().data();
  }
  blocks_.clear();
  first_block_.assign(1, 0);
  bool collects = false;
  for (const LinearGroup& group : groups) {
    for (std::int64_t t = 0; t < group.n_rows; t += kMaxPanelTokens)
      blocks_.push_back({&group, group.first_row + t, std::min(kMaxPanelTokens, group.n_rows - t)});
    first_block_.push_back(std::ssize(blocks_));
    collects = collects || (group.n_rows > 1 && group.weights->reads().int8);
  }
  if (!collects) return input;
  pool_->parallel_for(std::ssize(blocks_), 1, [&](std::int64_t i, std::int64_t) {
    const Block& block = blocks_[i];
    if (block.group->n_rows == 1 || !block.group->weights->reads().int8) return;
    residuals_.collect(i, block.first_row, input.quantised + block.first_row, block.n_rows,
                       whole_tiles(block.group->weights->n_cols()));
  });
  return input;
}

void CpuLinear::gather(std::span<const LinearGroup> groups, const LinearInput& x) {
  CHECK(x.n_rows <= std::ssize(gathered_), "{} rows by index, at most {}", x.n_rows,
        gathered_.size());
  for (std::int64_t i = 0; i < x.n_rows; ++i) gathered_[i] = x.rows.quantised()[x.indices[i]];
  RowForms forms;
  for (const LinearGroup& group : groups) forms = forms | group.weights->reads();
  if (!forms.f32 && !forms.bf16) return;
  const std::int64_t stride = x.rows.stride();
  float* values = gathered_values_.as<float>().data();
  std::uint16_t* rounded = gathered_rounded_.as<std::uint16_t>().data();
  for_each_token(*pool_, x.n_rows, [&](std::int64_t i) {
    if (forms.f32) std::copy_n(x.rows.row(x.indices[i]), stride, values + i * stride);
    if (forms.bf16) std::copy_n(x.rows.rounded(x.indices[i]), stride, rounded + i * stride);
  });
}

void CpuLinear::multiply_panel(const PassInput& x, std::int64_t block, std::int64_t panel,
                               float* y) const {
  const auto& [group, row, n_rows] = blocks_[block];
  const PackedMatrix& weights = *group->weights;
  const TileFormat format = weights.format_of_panel(panel);
  const auto slot = static_cast<std::size_t>(format);
  const std::byte* bytes = weights.panel(panel);
  const std::int64_t k = weights.n_cols();
  if (format == TileFormat::bf16_pairs) {
    kernels_->bf16_panel(bytes, k, x.rounded + row * x.stride, x.stride, n_rows, y, kTileRows);
  } else if (kernels_->float_panel[slot] != nullptr) {
    kernels_->float_panel[slot](bytes, k, x.values + row * x.stride, x.stride, n_rows, y,
                                kTileRows);
  } else {
    const Residuals* residuals = group->n_rows > 1 ? &residuals_[block] : nullptr;
    kernels_->quant_panel[slot](bytes, k, x.quantised + row, residuals, n_rows, y, kTileRows);
  }
}

void CpuLinear::for_each_block(std::span<const LinearGroup> groups, std::int64_t panels_at_once,
                               function_ref<void(std::int64_t panel, std::int64_t block)> each) {
  first_item_.assign(1, 0);
  for (const LinearGroup& group : groups)
    first_item_.push_back(first_item_.back() + group.weights->n_panels() / panels_at_once);
  const std::int64_t chunk = panel_chunk(groups, pool_->n_workers());
  const std::int64_t n_items = std::max<std::int64_t>(1, first_item_.back());
  const std::int64_t n_parts = block_parts(n_items, std::ssize(blocks_), pool_->n_workers());
  const auto run_part = [&](std::int64_t part, std::int64_t begin, std::int64_t end) {
    while (begin < end) {
      const auto next = std::ranges::upper_bound(first_item_, begin);
      const std::int64_t group = next - first_item_.begin() - 1;
      const std::int64_t stop = std::min(end, *next), first = first_item_[group];
      const std::int64_t from = first_block_[group], n_blocks = first_block_[group + 1] - from;
      const std::int64_t last = from + n_blocks * (part + 1) / n_parts;
      for (std::int64_t block = from + n_blocks * part / n_parts; block < last; ++block) {
        for (std::int64_t item = begin; item < stop; ++item)
          each((item - first) * panels_at_once, block);
      }
      begin = stop;
    }
  };
  pool_->parallel_for(first_item_.back() * n_parts, (chunk + panels_at_once - 1) / panels_at_once,
                      [&](std::int64_t begin, std::int64_t end) {
                        while (begin < end) {  // one part after the other
                          const std::int64_t part = begin / n_items, before = part * n_items;
                          const std::int64_t stop = std::min(end, before + n_items);
                          run_part(part, begin - before, stop - before);
                          begin = stop;
                        }
                      });
}

void CpuLinear::multiply(std::span<const LinearGroup> groups, const LinearInput& x, Sink sink) {
  const PassInput input = prepare(groups, x);
  for_each_block(groups, 1, [&](std::int64_t panel, std::int64_t block) {
    alignas(64) float y[kMaxPanelTokens * kTileRows];
    multiply_panel(input, block, panel, y);
    sink(panel * kTileRows, blocks_[block], y);
  });
}

void CpuLinear::store(std::span<const LinearGroup> groups, const LinearInput& x, float* out,
                      std::int64_t stride) {
  multiply(groups, x, [&](std::int64_t col, const Block& block, const float* y) {
    for (std::int64_t i = 0; i < block.n_rows; ++i) {
      std::memcpy(out + (block.first_row + i) * stride + col, y + i * kTileRows,
                  kTileRows * sizeof(float));
    }
  });
}

void CpuLinear::store(const PackedMatrix& weights, const LinearInput& x, float* out,
                      std::int64_t stride) {
  const LinearGroup group = {&weights, weights.n_padded_rows(), 0, x.n_rows};
  store({&group, 1}, x, out, stride);
}

void CpuLinear::add(const PackedMatrix& weights, const LinearInput& x, const float* bias,
                    float* out, std::int64_t n_cols) {
  const LinearGroup group = {&weights, n_cols, 0, x.n_rows};
  multiply({&group, 1}, x, [&](std::int64_t col, const Block& block, const float* y) {
    const std::int64_t n_here = std::min(kTileRows, n_cols - col);
    for (std::int64_t i = 0; i < block.n_rows; ++i) {
      float* row = out + (block.first_row + i) * n_cols + col;
      kernels_->add(row, y + i * kTileRows, n_here);
      if (bias != nullptr) kernels_->add(row, bias + col, n_here);
    }
  });
}

void CpuLinear::store_gated(const PackedMatrix& weights, const LinearInput& x, const float* bias,
                            InputRows& out, std::int64_t n_cols) {
  const LinearGroup group = {&weights, n_cols, 0, x.n_rows};
  multiply_gated({&group, 1}, x, bias, out);
}

void CpuLinear::store_gated(std::span<const LinearGroup> groups, const LinearInput& x,
                            InputRows& out) {
  multiply_gated(groups, x, nullptr, out);
}

void CpuLinear::multiply_gated(std::span<const LinearGroup> groups, const LinearInput& x,
                               const float* bias, InputRows& out) {
  const PassInput input = prepare(groups, x);
  for_each_block(groups, 2, [&](std::int64_t panel, std::int64_t i_block) {
    alignas(64) float gates[kMaxPanelTokens * kTileRows], ups[kMaxPanelTokens * kTileRows];
    multiply_panel(input, i_block, panel, gates);
    multiply_panel(input, i_block, panel + 1, ups);
    const Block& block = blocks_[i_block];
    const std::int64_t n_cols = block.group->n_cols, col = panel / 2 * kTileRows;
    const std::int64_t n_here = std::min(kTileRows, n_cols - col);
    for (std::int64_t i = 0; i < block.n_rows; ++i) {
      float *gate = gates + i * kTileRows, *up = ups + i * kTileRows;
      float* row = out.row(block.first_row + i) + col;
      if (bias != nullptr) {
        kernels_->add(gate, bias + col, n_here);
        kernels_->add(up, bias + n_cols + col, n_here);
      }
      kernels_->silu_mul(gate, up, row, n_here);
      std::fill(row + n_here, row + whole_tiles(n_here), 0.0f);
    }
  });
}

}  // namespace tinyllm
