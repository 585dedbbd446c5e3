#include "kernels/cuda/packed_weights.h"

#include <algorithm>

#include "base/check.h"
#include "quant/decode.h"
#include "quant/q4_0.h"
#include "quant/weight_group.h"
#include "tensor/float16.h"

namespace tinyllm::cuda {
namespace {

template <typename T>
void put(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof value);
}
template <typename T>
T get(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// 32 weights of a row with what the layouts store of them: value = scale * code - min.
struct Group32 {
  WeightGroup group;
  GroupFormat format;
  int code(int i) const { return group.q[i] - format.offset; }
  // Of 16-column half h, with all factors multiplied out: exact in f32.
  float scale(int h) const {
    const float scale = f16_to_f32(group.scale);
    if (!format.super_scaled) return scale;
    const std::uint8_t byte = group.group_scale[format.n_cols == 16 ? h : 0];
    return scale * (format.has_min ? static_cast<float>(byte)
                                   : static_cast<float>(static_cast<std::int8_t>(byte)));
  }
  float min(int h) const {
    if (!format.has_min) return 0.0f;
    const float min = f16_to_f32(group.min);
    return format.super_scaled
               ? min * static_cast<float>(group.group_min[format.n_cols == 16 ? h : 0])
               : min;
  }
};

void put_codes(WeightFormat format, std::byte* block, int row, int col, const Group32& group) {
  const BlockInfo info = block_info(format);
  for (int i = 0; i < 32; ++i) {
    const CodePlace place = code_place(info, row, col + i);
    if (info.bits == 8) {
      put(block + place.byte, static_cast<std::int8_t>(group.code(i)));
    } else {  // 4 bits are never signed: an offset is part of the min
      const auto code = static_cast<std::uint32_t>(group.group.q[i]);
      put(block + place.byte, get<std::uint32_t>(block + place.byte) | code << place.shift);
    }
  }
}

void put_scales(WeightFormat format, std::byte* block, int row, int col, const Group32& group) {
  const WeightGroup& from = group.group;
  for (int h = 0; h < (block_info(format).group == 16 ? 2 : 1); ++h) {
    const ScalePlace place = scale_place(format, row, col + 16 * h);
    std::byte* at = block + place.group_scale;
    switch (format) {
      case WeightFormat::int8: put(at, from.scale); break;
      case WeightFormat::int8_k:
        put(at, from.group_scale[h]);
        put(block + place.super_scale, from.scale);
        break;
      case WeightFormat::int8_min:
        put(at, group.scale(h));
        put(at + 4, group.min(h));
        break;
      case WeightFormat::int4:
        put(at, from.scale);
        put(at + 2, group.format.has_min
                        ? from.min
                        : f32_to_f16(static_cast<float>(group.format.offset) * group.scale(0)));
        break;
      case WeightFormat::int4_k:
        put(at, from.group_scale[0]);
        put(at + 1, from.group_min[0]);
        put(block + place.super_scale, from.scale);
        put(block + place.super_scale + 2, from.min);
        break;
      case WeightFormat::bf16: break;
    }
  }
}

// Row `row` of the section. source: one row of the file.
void pack_row(const Tensor& part, const std::byte* source, WeightFormat format, std::int64_t row,
              std::byte* section, std::span<float> floats) {
  const std::int64_t n_cols = part.n_cols();
  if (format == WeightFormat::bf16) {
    decode_row(part.dtype, source, floats.data(), n_cols);
    const std::int64_t stride = padded_to(n_cols, block_info(format).columns);
    std::byte* dst = section + row * stride * 2;
    for (std::int64_t i = 0; i < n_cols; ++i)
      put(dst + 2 * i, f32_to_bf16(floats[static_cast<std::size_t>(i)]));
    return;
  }
  const BlockInfo layout = block_info(format);
  for (std::int64_t col = 0; col < n_cols; col += 32) {
    const Group32 group{read_group(part.dtype, source, col / 32), group_format(part.dtype)};
    std::byte* block = section + block_offset(format, row, col, n_cols);
    const int in_tile = static_cast<int>(row % kRowTile);
    const int in_block = static_cast<int>(col % layout.columns);
    put_codes(format, block, in_tile, in_block, group);
    put_scales(format, block, in_tile, in_block, group);
  }
}

// q4_0's offset times its scale becomes the min, which f16 cannot hold beyond 65504.
bool has_large_scales(const Tensor& part) {
  if (part.dtype != DType::q4_0) return false;
  const auto* blocks = reinterpret_cast<const Q4_0Block*>(part.data);
  const std::int64_t n = part.n_rows() * part.n_cols() / 32;
  return std::any_of(blocks, blocks + n,
                     [](const Q4_0Block& block) { return (block.scale & 0x7FFF) >= 0x7000; });
}

WeightFormat format_of(const Tensor& part) {
  return has_large_scales(part) ? WeightFormat::int8_min : weight_format_for(part.dtype);
}

WeightFormat common_format(std::span<const Tensor> parts) {
  const WeightFormat first = format_of(parts[0]);
  const auto is_same = [&](const Tensor& part) { return format_of(part) == first; };
  if (std::ranges::all_of(parts, is_same)) return first;
  const bool has_floats =
      std::ranges::any_of(parts, [](const Tensor& part) { return tinyllm::is_float(part.dtype); });
  return has_floats ? WeightFormat::bf16 : WeightFormat::int8_min;
}

void plan_stacked(std::span<const Tensor> parts, WeightPlan& plan) {
  for (const Tensor& part : parts) {
    const WeightFormat format = format_of(part);
    const bool continues = !plan.sections.empty() && plan.sections.back().format == format &&
                           plan.sections.back().n_rows % kRowTile == 0;
    if (!continues) plan.sections.push_back({format, plan.n_rows, 0, 0, 0});
    plan.parts.push_back({plan.sections.size() - 1, plan.sections.back().n_rows});
    plan.sections.back().n_rows += part.n_rows();
    plan.n_rows += part.n_rows();
  }
}

}  // namespace

WeightFormat weight_format_for(DType dtype) {
  switch (dtype) {
    case DType::f32:
    case DType::f16:
    case DType::bf16: return WeightFormat::bf16;
    case DType::q4_0:
    case DType::q4_1: return WeightFormat::int4;
    case DType::q4_k: return WeightFormat::int4_k;
    case DType::q8_0:
    case DType::q5_0:
    case DType::iq4_nl: return WeightFormat::int8;
    case DType::q6_k:
    case DType::q3_k: return WeightFormat::int8_k;
    case DType::q2_k:
    case DType::q5_1:
    case DType::q5_k: return WeightFormat::int8_min;
  }
  CHECK(false, "{} has no layout", name(dtype));
}

WeightPlan plan_weights(std::span<const Tensor> parts, PartOrder order) {
  WeightPlan plan;
  plan.order = order;
  plan.n_cols = parts[0].n_cols();
  for (const Tensor& part : parts) {
    CHECK(part.n_cols() == plan.n_cols, "parts have {} and {} columns", plan.n_cols, part.n_cols());
    CHECK(order == PartOrder::stacked || part.n_rows() == parts[0].n_rows(),
          "parts have {} and {} rows", parts[0].n_rows(), part.n_rows());
  }
  if (order == PartOrder::stacked) {
    plan_stacked(parts, plan);
  } else {
    CHECK(parts.size() == 2, "{} interleaved parts", parts.size());
    plan.n_rows = 2 * parts[0].n_rows();
    plan.sections.push_back({common_format(parts), 0, plan.n_rows, 0, 0});
    plan.parts = {{0, 0}, {0, 0}};
  }
  for (WeightSection& section : plan.sections) {
    section.n_padded_rows = order == PartOrder::interleaved
                                ? 2 * padded_to(section.n_rows / 2, kRowTile / 2)
                                : padded_to(section.n_rows, kRowTile);
    section.offset = plan.n_bytes;
    plan.n_bytes +=
        padded_to(matrix_bytes(section.format, section.n_padded_rows, plan.n_cols), 256);
  }
  return plan;
}

void pack_weights(std::span<const Tensor> parts, const WeightPlan& plan, std::byte* dst,
                  ThreadPool& pool) {
  std::memset(dst, 0, static_cast<std::size_t>(plan.n_bytes));
  for (std::size_t p = 0; p < parts.size(); ++p) {
    const Tensor& part = parts[p];
    const WeightPlan::Place place = plan.parts[p];
    const WeightSection& section = plan.sections[place.section];
    // Rows that share a block belong to one worker.
    pool.parallel_for((part.n_rows() + 7) / 8, 2, [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> floats(static_cast<std::size_t>(plan.n_cols));
      for (std::int64_t row = begin * 8; row < std::min(end * 8, part.n_rows()); ++row) {
        const std::int64_t to = plan.order == PartOrder::interleaved
                                    ? interleaved_row(row, static_cast<int>(p))
                                    : place.first_row + row;
        pack_row(part, part.row(row), section.format, to, dst + section.offset, floats);
      }
    });
  }
}

float unpack_weight(WeightFormat format, const std::byte* section, std::int64_t row,
                    std::int64_t col, std::int64_t n_cols) {
  const BlockInfo info = block_info(format);
  if (format == WeightFormat::bf16) {
    const std::int64_t stride = padded_to(n_cols, info.columns);
    return bf16_to_f32(get<std::uint16_t>(section + (row * stride + col) * 2));
  }
  const std::byte* block = section + block_offset(format, row, col, n_cols);
  const int r = static_cast<int>(row % kRowTile), k = static_cast<int>(col % info.columns);
  const CodePlace place = code_place(info, r, k);
  const ScalePlace scales = scale_place(format, r, k);
  const int code =
      info.bits == 8
          ? static_cast<int>(get<std::int8_t>(block + place.byte))
          : static_cast<int>(get<std::uint32_t>(block + place.byte) >> place.shift & 15u);
  const std::byte* at = block + scales.group_scale;
  const auto half_at = [&](int byte) { return f16_to_f32(get<std::uint16_t>(block + byte)); };
  float scale = 0.0f, min = 0.0f;
  switch (format) {
    case WeightFormat::int8: scale = half_at(scales.group_scale); break;
    case WeightFormat::int8_k:
      scale = half_at(scales.super_scale) * static_cast<float>(get<std::int8_t>(at));
      break;
    case WeightFormat::int8_min:
      scale = get<float>(at);
      min = get<float>(at + 4);
      break;
    case WeightFormat::int4:
      scale = half_at(scales.group_scale);
      min = half_at(scales.group_scale + 2);
      break;
    case WeightFormat::int4_k:
      scale = half_at(scales.super_scale) * static_cast<float>(get<std::uint8_t>(at));
      min = half_at(scales.super_scale + 2) * static_cast<float>(get<std::uint8_t>(at + 1));
      break;
    case WeightFormat::bf16: break;
  }
  return scale * static_cast<float>(code) - min;
}

}  // namespace tinyllm::cuda
