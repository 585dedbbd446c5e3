#include "kernels/cuda/attention_plan.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/cuda/kv_layout.h"

namespace tinyllm::cuda {
namespace {

// Rows of one range that are computed together, and the groups that they see.
struct Piece {
  const AttentionRange* range;
  std::int32_t row_begin, n_rows;
  std::int32_t group_begin, group_end;
  std::int32_t n_groups() const { return group_end - group_begin; }
};

template <typename Use>
void for_each_piece(std::span<const AttentionRange> ranges, const AttentionPlanSizes& sizes,
                    const Use& use) {
  for (const AttentionRange& range : ranges) {
    const std::int32_t n_rows = range.n_tokens * sizes.group_size;
    const std::int32_t n_pieces = (n_rows + sizes.max_rows - 1) / sizes.max_rows;
    const std::int32_t rows_a_piece = (n_rows + n_pieces - 1) / n_pieces;
    for (std::int32_t row = 0; row < n_rows; row += rows_a_piece) {
      const std::int32_t n = std::min(rows_a_piece, n_rows - row);
      const std::int32_t first = range.first_position + row / sizes.group_size;
      const std::int32_t last = range.first_position + (row + n - 1) / sizes.group_size;
      const std::int32_t begin = sizes.window > 0 ? std::max(first - sizes.window + 1, 0) : 0;
      // With fixed splits a group's warp follows from its number, not from where the piece begins.
      const std::int32_t step = sizes.split_groups > 0 ? sizes.step_groups : 1;
      use(Piece{&range, row, n, begin / kKvGroup / step * step, last / kKvGroup + 1});
    }
  }
}

std::int32_t round_up(std::int32_t n, std::int32_t step) { return (n + step - 1) / step * step; }

class Planner {
 public:
  Planner(const AttentionPlanSizes& sizes, AttentionPlan& plan) : sizes_(sizes), plan_(plan) {
    plan_.segments.clear();
    plan_.slot_starts.assign(1, 0);
    plan_.n_parts = plan_.n_merges = 0;
  }

  // What a segment costs beside its groups: a merge of the block's warps, in groups.
  std::int32_t overhead() const { return sizes_.step_groups; }

  // Groups and overhead of a slot, if all slots are to be done at the same time. `total`: groups of
  // all pieces; n_segments: at least how many there will be.
  void set_budget(std::int64_t total, std::int64_t n_segments) {
    if (sizes_.split_groups == 0) n_segments += sizes_.n_slots;  // each slot's end cuts a piece
    total += n_segments * overhead();
    const std::int64_t even = (total + sizes_.n_slots - 1) / sizes_.n_slots;
    budget_ = std::max(static_cast<std::int32_t>(even), 2 * overhead());
  }

  void add_balanced(const Piece& piece) {
    const std::size_t first_segment = plan_.segments.size();
    for (std::int32_t begin = piece.group_begin; begin < piece.group_end;) {
      if (used_ + overhead() >= budget_ && used_ > 0) next_slot();
      const std::int32_t room =
          std::max(round_up(budget_ - used_ - overhead(), kCut), sizes_.step_groups);
      const bool last_slot = std::ssize(plan_.slot_starts) == sizes_.n_slots;
      const std::int32_t end =
          last_slot ? piece.group_end : std::min(piece.group_end, begin + room);
      add_segment(piece, begin, end);
      begin = end;
    }
    number_parts(first_segment);
  }

  void add_fixed(const Piece& piece) {
    const std::size_t first_segment = plan_.segments.size();
    for (std::int32_t begin = piece.group_begin; begin < piece.group_end;) {
      const std::int32_t cut = (begin / sizes_.split_groups + 1) * sizes_.split_groups;
      const std::int32_t end = std::min(piece.group_end, cut);
      const bool last_slot = std::ssize(plan_.slot_starts) == sizes_.n_slots;
      if (used_ > 0 && used_ + (end - begin + overhead()) / 2 > budget_ && !last_slot) next_slot();
      add_segment(piece, begin, end);
      begin = end;
    }
    number_parts(first_segment);
  }

  void finish() {
    while (std::ssize(plan_.slot_starts) <= sizes_.n_slots) next_slot();
    choose_mergers();
  }

 private:
  // Earlier slots may end above the budget by their last piece: what they did too much is given
  // back by those that come after.
  void next_slot() {
    plan_.slot_starts.push_back(static_cast<std::int32_t>(plan_.segments.size()));
    used_ = std::max(used_ - budget_, 0);
  }

  void add_segment(const Piece& piece, std::int32_t begin, std::int32_t end) {
    const AttentionRange& range = *piece.range;
    plan_.segments.push_back({.first_token = range.first_token,
                              .first_position = range.first_position,
                              .block_begin = range.block_begin,
                              .row_begin = piece.row_begin,
                              .n_rows = piece.n_rows,
                              .group_begin = begin,
                              .group_end = end,
                              .part_begin = -1,
                              .n_parts = 1,
                              .part_idx = 0,
                              .merge_idx = 0,
                              .merger = -1});
    used_ += end - begin + overhead();
  }

  // Blocks that have nothing to do after their part merge the result; where there is none, the
  // block of the last part does, which has done all the others too.
  void choose_mergers() {
    for (std::size_t slot = 1; slot < plan_.slot_starts.size(); ++slot) {
      const std::int32_t end = plan_.slot_starts[slot];
      if (end > plan_.slot_starts[slot - 1] &&
          plan_.segments[static_cast<std::size_t>(end) - 1].n_parts > 1)
        plan_.segments[static_cast<std::size_t>(end) - 1].merger = 0;
    }
    for (std::size_t first = 0; first < plan_.segments.size();) {
      const auto n = static_cast<std::size_t>(plan_.segments[first].n_parts);
      if (n > 1) number_mergers(std::span(plan_.segments).subspan(first, n));
      first += n;
    }
  }

  static void number_mergers(std::span<AttentionSegment> parts) {
    if (std::ranges::none_of(parts, [](const auto& part) { return part.merger >= 0; }))
      parts.back().merger = 0;
    const auto n = static_cast<std::int32_t>(
        std::ranges::count_if(parts, [](const auto& part) { return part.merger >= 0; }));
    std::int32_t idx = 0;
    for (AttentionSegment& part : parts) {
      if (part.merger >= 0) part.merger = n * kMaxMergers + idx++;
    }
  }

  void number_parts(std::size_t first_segment) {
    const std::span<AttentionSegment> parts = std::span(plan_.segments).subspan(first_segment);
    if (parts.size() <= 1) return;
    std::int32_t idx = 0;
    for (AttentionSegment& part : parts) {
      part.part_begin = plan_.n_parts;
      part.n_parts = static_cast<std::int32_t>(parts.size());
      part.part_idx = idx++;
      part.merge_idx = plan_.n_merges;
    }
    plan_.n_parts += idx;
    ++plan_.n_merges;
  }

  static constexpr std::int32_t kCut = 2;  // groups between two places where a piece may be cut

  const AttentionPlanSizes& sizes_;
  AttentionPlan& plan_;
  std::int32_t budget_ = 1;
  std::int32_t used_ = 0;  // of the slot that is being filled
};

}  // namespace

void plan_attention(std::span<const AttentionRange> ranges, const AttentionPlanSizes& sizes,
                    AttentionPlan& plan) {
  CHECK(sizes.n_slots > 0 && sizes.group_size > 0 && sizes.max_rows > 0 && sizes.step_groups > 0,
        "an attention plan of nothing");
  Planner planner(sizes, plan);
  std::int64_t total = 0, n_segments = 0;
  for_each_piece(ranges, sizes, [&](const Piece& piece) {
    total += piece.n_groups();
    n_segments += sizes.split_groups > 0 ? piece.n_groups() / sizes.split_groups + 1 : 1;
  });
  planner.set_budget(total, n_segments);
  for_each_piece(ranges, sizes, [&](const Piece& piece) {
    sizes.split_groups > 0 ? planner.add_fixed(piece) : planner.add_balanced(piece);
  });
  planner.finish();
}

std::int64_t max_attention_parts(std::int64_t n_ranges, std::int64_t max_groups,
                                 const AttentionPlanSizes& sizes) {
  if (sizes.split_groups == 0) return 2 * sizes.n_slots + n_ranges;
  return max_groups / sizes.split_groups + 2 * n_ranges;
}

}  // namespace tinyllm::cuda
