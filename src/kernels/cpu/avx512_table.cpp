#if defined(__x86_64__)

#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/avx512/avx512_kernels.h"
#include "kernels/cpu/isa_tables.h"

namespace tinyllm {
namespace {

// Pages that do not fill registers of 16 floats are left to AVX2.
bool fills_registers(const KvPages& kv) { return kv.block_size % 16 == 0 && kv.head_dim % 16 == 0; }

void attention(const AttentionQueries& queries, const KvPages& kv, const std::int32_t* block_table,
               float scale, float* scratch) {
  const auto run = fills_registers(kv) ? avx512::attention : avx2::attention;
  run(queries, kv, block_table, scale, scratch);
}

void attention_partials(const AttentionQueries& queries, const KvPages& kv,
                        const std::int32_t* block_table, float scale, std::int32_t first_segment,
                        std::int32_t end_segment, float* partials, float* scratch) {
  const auto run = fills_registers(kv) ? avx512::attention_partials : avx2::attention_partials;
  run(queries, kv, block_table, scale, first_segment, end_segment, partials, scratch);
}

void merge_attention(const AttentionQueries& queries, const KvPages& kv, const float* partials,
                     float* scratch) {
  const auto run = fills_registers(kv) ? avx512::merge_attention : avx2::merge_attention;
  run(queries, kv, partials, scratch);
}

}  // namespace

// Panels and attention are where the time goes; what works on single rows is AVX2's.
const RowKernels& avx512_row_kernels() {
  static const RowKernels table = [] {
    RowKernels with_panels = avx2_row_kernels();
    with_panels.isa = "avx512";
    with_panels.quant_panel = avx512::kQuantPanels;
    with_panels.float_panel = avx512::kFloatPanels;
    with_panels.attention = attention;
    with_panels.attention_partials = attention_partials;
    with_panels.merge_attention = merge_attention;
    return with_panels;
  }();
  return table;
}

}  // namespace tinyllm

#endif
