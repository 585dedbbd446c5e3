#pragma once
// Where the keys and values of a position lie in the device's pages. One layer of one block holds,
// for each K/V head, its positions in groups of 16; a group is one contiguous piece of memory, so
// that one bulk copy brings it into shared memory, in the very order in which the tensor cores'
// loads find it without bank conflicts.
//
//   layer:  [n_blocks][n_kv_heads][block_size / 16] groups
//   group:  keys   [n_slabs][16 positions][slab_dim] bf16
//           values [n_slabs][16 positions][slab_dim] bf16      n_slabs * slab_dim = head_dim
//
//   a slab's row (slab_dim = 64: 128 bytes, all 32 banks) is 8 chunks of 16 bytes; chunk c of
//   position t stands at place c ^ (t % 8):
//
//            place  0  1  2  3  4  5  6  7
//     position 0    0  1  2  3  4  5  6  7
//     position 1    1  0  3  2  5  4  7  6      eight positions' chunk c: eight different places,
//     position 2    2  3  0  1  6  7  4  5      one ldmatrix without a conflict
//
// This is also the 128-byte swizzle of wgmma's shared-memory descriptors.
// Plain arithmetic, the same on host and device; no CUDA header.

#include <cstdint>

#if defined(__CUDACC__)
#define TINYLLM_HOST_DEVICE __host__ __device__
#else
#define TINYLLM_HOST_DEVICE
#endif

namespace tinyllm::cuda {

inline constexpr int kKvGroup = 16;  // positions of a group

// The longest row of 64, 32, 16 or 8 elements that divides head_dim.
TINYLLM_HOST_DEVICE constexpr int kv_slab_dim(int head_dim) {
  return head_dim % 64 == 0 ? 64 : head_dim % 32 == 0 ? 32 : head_dim % 16 == 0 ? 16 : 8;
}

// Elements of a group: keys, then values.
TINYLLM_HOST_DEVICE constexpr int kv_group_elems(int head_dim) { return 2 * kKvGroup * head_dim; }

// Element of dimension d of position t (0 to 15) within the keys, or the values, of a group.
TINYLLM_HOST_DEVICE constexpr int kv_elem_in_group(int t, int d, int head_dim) {
  const int slab_dim = kv_slab_dim(head_dim);
  const int chunk = d % slab_dim / 8;
  const int place = chunk ^ (t & (slab_dim / 8 - 1));
  return (d / slab_dim * kKvGroup + t) * slab_dim + place * 8 + d % 8;
}

// First element of the group that holds a slot (block * block_size + offset in the block).
TINYLLM_HOST_DEVICE constexpr std::int64_t kv_group_start(std::int64_t slot, int kv_head,
                                                          int n_kv_heads, int block_size,
                                                          int head_dim) {
  const std::int64_t block = slot / block_size;
  const std::int64_t group_in_block = slot % block_size / kKvGroup;
  const std::int64_t groups_per_head = block_size / kKvGroup;
  return ((block * n_kv_heads + kv_head) * groups_per_head + group_in_block) *
         kv_group_elems(head_dim);
}

}  // namespace tinyllm::cuda
