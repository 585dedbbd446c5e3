#include "kernels/cpu/cpu_linear.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

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

void CpuLinear::configure(std::int64_t max_rows, std::int64_t max_cols,
                          std::int64_t max_gathered_rows) {
  const std::int64_t stride = (max_cols + kTileCols - 1) / kTileCols * kTileCols;
  residuals_ = ResidualBlocks(std::max(max_rows, max_gathered_rows), stride);
  gathered_.resize(max_gathered_rows);
  gathered_values_ = Buffer(max_gathered_rows * stride * 4, "activations");
}

CpuLinear::PanelInput CpuLinear::prepare(const PackedMatrix& weights, const LinearInput& x) {
  PanelInput input = {x.rows.quantised(), x.rows.row(0), x.rows.stride(), x.n_rows};
  const bool gathers = x.indices != nullptr;
  const bool collects = x.n_rows > 1 && weights.has_quantised();
  if (gathers) {
    CHECK(x.n_rows <= std::ssize(gathered_), "{} rows by index, at most {}", x.n_rows,
          gathered_.size());
    input.quantised = gathered_.data();
    input.values = gathered_values_.as<float>().data();
  }
  if (!gathers && !collects) return input;
  const std::int64_t n_blocks = (x.n_rows + kMaxPanelTokens - 1) / kMaxPanelTokens;
  pool_->parallel_for(n_blocks, 1, [&](std::int64_t block, std::int64_t) {
    const std::int64_t t = block * kMaxPanelTokens, n = std::min(kMaxPanelTokens, x.n_rows - t);
    if (gathers) gather(weights, x, t, n);
    if (collects) residuals_.collect(block, input.quantised + t, n, input.stride);
  });
  return input;
}

void CpuLinear::gather(const PackedMatrix& weights, const LinearInput& x, std::int64_t t,
                       std::int64_t n) {
  const std::int64_t stride = x.rows.stride();
  for (std::int64_t i = t; i < t + n; ++i) {
    gathered_[i] = x.rows.quantised()[x.indices[i]];
    if (!weights.has_floats()) continue;
    std::copy_n(x.rows.row(x.indices[i]), stride, gathered_values_.as<float>().data() + i * stride);
  }
}

void CpuLinear::multiply_panel(const PackedMatrix& weights, std::int64_t panel, const PanelInput& x,
                               std::int64_t t, std::int64_t n, float* y) const {
  const auto format = static_cast<std::size_t>(weights.format_of_panel(panel));
  const std::byte* bytes = weights.panel(panel);
  if (kernels_->quant_panel[format] != nullptr) {
    const Residuals* residuals = x.n_rows > 1 ? &residuals_[t / kMaxPanelTokens] : nullptr;
    kernels_->quant_panel[format](bytes, weights.n_cols(), x.quantised + t, residuals, n, y,
                                  kTileRows);
  } else {
    kernels_->float_panel[format](bytes, weights.n_cols(), x.values + t * x.stride, x.stride, n, y,
                                  kTileRows);
  }
}

void CpuLinear::for_each_block(
    const PackedMatrix& weights, std::int64_t group, std::int64_t n_rows,
    function_ref<void(std::int64_t panel, std::int64_t t, std::int64_t n)> each) {
  const std::int64_t chunk = panel_chunk(weights, n_rows, pool_->n_workers());
  pool_->parallel_for(weights.n_panels() / group, (chunk + group - 1) / group,
                      [&](std::int64_t begin, std::int64_t end) {
                        for (std::int64_t t = 0; t < n_rows; t += kMaxPanelTokens) {
                          for (std::int64_t panel = begin * group; panel < end * group;
                               panel += group)
                            each(panel, t, std::min(kMaxPanelTokens, n_rows - t));
                        }
                      });
}

void CpuLinear::multiply(const PackedMatrix& weights, const LinearInput& x, Sink sink) {
  const PanelInput input = prepare(weights, x);
  for_each_block(weights, 1, x.n_rows, [&](std::int64_t panel, std::int64_t t, std::int64_t n) {
    alignas(64) float y[kMaxPanelTokens * kTileRows];
    multiply_panel(weights, panel, input, t, n, y);
    sink(panel * kTileRows, t, n, y);
  });
}

void CpuLinear::store(const PackedMatrix& weights, const LinearInput& x, float* out,
                      std::int64_t stride) {
  multiply(weights, x, [&](std::int64_t col, std::int64_t t, std::int64_t n, const float* y) {
    for (std::int64_t i = 0; i < n; ++i)
      std::memcpy(out + (t + i) * stride + col, y + i * kTileRows, kTileRows * sizeof(float));
  });
}

void CpuLinear::add(const PackedMatrix& weights, const LinearInput& x, const float* bias,
                    float* out, std::int64_t n_cols) {
  multiply(weights, x, [&](std::int64_t col, std::int64_t t, std::int64_t n, const float* y) {
    const std::int64_t n_here = std::min(kTileRows, n_cols - col);
    for (std::int64_t i = 0; i < n; ++i) {
      float* row = out + (t + i) * n_cols + col;
      kernels_->add(row, y + i * kTileRows, n_here);
      if (bias != nullptr) kernels_->add(row, bias + col, n_here);
    }
  });
}

void CpuLinear::store_gated(const PackedMatrix& weights, const LinearInput& x, const float* bias,
                            InputRows& out, std::int64_t n_cols) {
  const PanelInput input = prepare(weights, x);
  for_each_block(weights, 2, x.n_rows, [&](std::int64_t panel, std::int64_t t, std::int64_t n) {
    alignas(64) float gates[kMaxPanelTokens * kTileRows], ups[kMaxPanelTokens * kTileRows];
    multiply_panel(weights, panel, input, t, n, gates);
    multiply_panel(weights, panel + 1, input, t, n, ups);
    const std::int64_t col = panel / 2 * kTileRows, n_here = std::min(kTileRows, n_cols - col);
    for (std::int64_t i = 0; i < n; ++i) {
      float *gate = gates + i * kTileRows, *up = ups + i * kTileRows;
      if (bias != nullptr) {
        kernels_->add(gate, bias + col, n_here);
        kernels_->add(up, bias + n_cols + col, n_here);
      }
      kernels_->silu_mul(gate, up, out.row(t + i) + col, n_here);
    }
  });
}

}  // namespace tinyllm
