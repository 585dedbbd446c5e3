#include "loader/quantise_gguf.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/quote.h"
#include "loader/gguf_writer.h"
#include "loader/weight_names.h"
#include "quant/quantise.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kRowsAtOnce = 256;  // between two writes; bounds the memory

// llama.cpp's number for "mostly of this type" (llama.h, enum llama_ftype).
std::uint32_t file_type(DType type) {
  switch (type) {
    case DType::q4_0: return 2;
    case DType::q8_0: return 7;
    default: return 14;  // q4_k
  }
}

DType type_of(const std::string& name, const Tensor& tensor, DType wanted) {
  if (tensor.shape.n_dims() < 2) return tensor.dtype;
  const bool is_table = name == weight_name(WeightNaming::gguf, kEmbedTokens) ||
                        name == weight_name(WeightNaming::gguf, kLmHead);
  const bool four_bits = wanted == DType::q4_0 || wanted == DType::q4_k;
  return matrix_format(is_table && four_bits ? DType::q6_k : wanted, tensor.n_cols());
}

void write_tensor(GgufWriter& writer, const std::string& source, const std::string& name,
                  const Tensor& tensor, DType type, ThreadPool& pool,
                  function_ref<void(std::int64_t n_bytes)> progress) {
  const std::int64_t n_bytes = row_bytes(type, tensor.n_cols());
  const std::int64_t source_bytes = row_bytes(tensor.dtype, tensor.n_cols());
  std::vector<std::byte> rows(
      static_cast<std::size_t>(std::min(kRowsAtOnce, tensor.n_rows()) * n_bytes));
  for (std::int64_t begin = 0; begin < tensor.n_rows(); begin += kRowsAtOnce) {
    const std::int64_t n = std::min(kRowsAtOnce, tensor.n_rows() - begin);
    if (type == tensor.dtype) {
      writer.write({tensor.row(begin), static_cast<std::size_t>(n * source_bytes)});
    } else {
      if (!quantise_rows(tensor, begin, n, type, rows.data(), pool)) {
        fail(ErrorCode::invalid_input, "{}: tensor {} has values that are not finite", source,
             quote(name));
      }
      writer.write(std::span(rows).first(static_cast<std::size_t>(n * n_bytes)));
    }
    progress(n * source_bytes);
  }
}

}  // namespace

QuantisedFile quantise_gguf(
    const GgufFile& source, DType type, const std::filesystem::path& path, ThreadPool& pool,
    function_ref<void(std::int64_t n_done, std::int64_t n_total)> progress) {
  QuantisedFile result;
  std::vector<GgufTensorPlan> plans;
  for (const auto& [name, tensor] : source.tensors()) {
    const DType to = type_of(name, tensor, type);
    plans.push_back({name, to, tensor.shape});
    result.bytes_before += tensor.n_bytes();
    result.bytes_after += Tensor{nullptr, to, tensor.shape}.n_bytes();
    if (to == tensor.dtype) continue;
    ++result.n_matrices;
    if (!is_float(tensor.dtype)) result.from_quantised = true;
  }
  const std::map<std::string, std::uint32_t> numbers = {{"general.file_type", file_type(type)},
                                                        {"general.quantization_version", 2}};
  GgufWriter writer(path, source.metadata(), numbers, plans);
  std::int64_t n_done = 0;
  for (const GgufTensorPlan& plan : plans) {
    const Tensor& tensor = source.tensors().find(plan.name)->second;
    write_tensor(writer, source.metadata().source(), plan.name, tensor, plan.dtype, pool,
                 [&](std::int64_t n_bytes) {
                   n_done += n_bytes;
                   progress(n_done, result.bytes_before);
                 });
  }
  writer.finish();
  return result;
}

}  // namespace tinyllm
