#pragma once
// A GGUF file from any float or quantised model, with its matrices in fewer bits.

#include <cstdint>
#include <filesystem>

#include "base/function_ref.h"
#include "base/thread_pool.h"
#include "loader/export/gguf_source.h"
#include "tensor/dtype.h"

namespace tinyllm {

struct QuantisedFile {
  std::int64_t bytes_before = 0, bytes_after = 0;  // of the tensors
  std::int64_t n_matrices = 0;                     // written anew
  bool from_quantised = false;  // some were quantised before, so quality is lost twice
};

// type: q8_0, q4_0 or q4_k. Matrices get it where their rows are whole blocks (matrix_format);
// with the 4-bit types the embedding and the head keep more, q6_k.
// Norms and biases stay as they are. `progress` is told of bytes read.
// Throws Error{io}, Error{invalid_input} for a weight that is not finite.
QuantisedFile quantise_gguf(const GgufSource& source, DType type, const std::filesystem::path& path,
                            ThreadPool& pool,
                            function_ref<void(std::int64_t n_done, std::int64_t n_total)> progress);

}  // namespace tinyllm
