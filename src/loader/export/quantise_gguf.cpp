#include "loader/export/quantise_gguf.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/quote.h"
#include "loader/export/gguf_writer.h"
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
  // Small, and which experts a token goes to hangs on every bit of it.
  if (name.ends_with(weight_name(WeightNaming::gguf, kRouter))) return DType::f32;
  const bool is_table = name == weight_name(WeightNaming::gguf, kEmbedTokens) ||
                        name == weight_name(WeightNaming::gguf, kLmHead);
  const bool four_bits = wanted == DType::q4_0 || wanted == DType::q4_k;
  return matrix_format(is_table && four_bits ? DType::q6_k : wanted, tensor.n_cols());
}

// Rows [begin, begin + n) of the file, side by side: where they lie, or gathered into `space`.
Tensor rows_of(const GgufTensorSource& source, std::int64_t begin, std::int64_t n,
               std::vector<std::byte>& space) {
  const Tensor& tensor = source.tensor;
  const Shape shape = {n, tensor.n_cols()};
  if (source.is_contiguous()) return {tensor.row(begin), tensor.dtype, shape};
  const std::int64_t n_bytes = row_bytes(tensor.dtype, tensor.n_cols());
  space.resize(n * n_bytes);
  for (std::int64_t i = 0; i < n; ++i) {
    std::memcpy(space.data() + i * n_bytes, source.data_of_row(begin + i),
                static_cast<std::size_t>(n_bytes));
  }
  return {space.data(), tensor.dtype, shape};
}

void write_tensor(GgufWriter& writer, const std::string& model, const GgufTensorSource& source,
                  DType type, ThreadPool& pool, function_ref<void(std::int64_t n_bytes)> progress) {
  const Tensor& tensor = source.tensor;
  const std::int64_t n_bytes = row_bytes(type, tensor.n_cols());
  std::vector<std::byte> space, out;
  for (std::int64_t begin = 0; begin < tensor.n_rows(); begin += kRowsAtOnce) {
    const std::int64_t n = std::min(kRowsAtOnce, tensor.n_rows() - begin);
    const Tensor rows = rows_of(source, begin, n, space);
    if (type == tensor.dtype) {
      writer.write({rows.data, static_cast<std::size_t>(rows.n_bytes())});
    } else {
      out.resize(n * n_bytes);
      if (!quantise_rows(rows, 0, n, type, out.data(), pool)) {
        fail(ErrorCode::invalid_input, "{}: tensor {} has values that are not finite", model,
             quote(source.name));
      }
      writer.write(out);
    }
    progress(rows.n_bytes());
  }
}

}  // namespace

QuantisedFile quantise_gguf(
    const GgufSource& source, DType type, const std::filesystem::path& path, ThreadPool& pool,
    function_ref<void(std::int64_t n_done, std::int64_t n_total)> progress) {
  QuantisedFile result;
  std::vector<GgufTensorPlan> plans;
  for (const GgufTensorSource& part : source.tensors()) {
    const Tensor& tensor = part.tensor;
    const DType to = type_of(part.name, tensor, type);
    plans.push_back({part.name, to, tensor.shape});
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
  for (std::size_t i = 0; i < plans.size(); ++i) {
    write_tensor(writer, source.metadata().source(), source.tensors()[i], plans[i].dtype, pool,
                 [&](std::int64_t n_bytes) {
                   n_done += n_bytes;
                   progress(n_done, result.bytes_before);
                 });
  }
  writer.finish();
  return result;
}

}  // namespace tinyllm
