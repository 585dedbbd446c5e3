#include "apps/dump_layers.h"

#include <fmt/core.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "apps/loading_bar.h"
#include "base/error.h"
#include "base/file.h"
#include "client/loaded_reference.h"
#include "engine/trace_layers.h"

namespace tinyllm {
namespace {

// NumPy's format, version 1.0: magic, header length, a Python dict padded to 64 bytes, the numbers.
std::string npy(std::span<const float> values, std::int64_t n_rows) {
  std::string header =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", n_rows,
                  std::ssize(values) / n_rows);
  constexpr std::size_t kPrefix = 10, kAlignment = 64;
  header.resize(
      (kPrefix + header.size() + 1 + kAlignment - 1) / kAlignment * kAlignment - kPrefix - 1, ' ');
  header += '\n';
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(header.size() & 0xff);
  file += static_cast<char>(header.size() >> 8);
  file += header;
  file += std::string_view(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  return file;
}

}  // namespace

void dump_layers(const Checkpoint& checkpoint, std::span<const TokenId> prompt_ids,
                 const EngineFlags& flags, const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) fail(ErrorCode::io, "{}: cannot be made: {}", folder.string(), error.message());
  const auto n_tokens = std::ssize(prompt_ids);
  int n_files = 0;
  const auto write = [&](std::int32_t layer_idx, std::span<const float> hidden) {
    const std::string name =
        layer_idx < 0 ? "embedding.npy" : fmt::format("layer_{:02}.npy", layer_idx);
    write_file_atomic(folder / name, npy(hidden, n_tokens));
    ++n_files;
  };
  if (flags.reference()) {
    LoadedReference reference(checkpoint, flags.n_threads, n_tokens,
                              LoadingBar(ProgressUnit::bytes));
    reference.model().forward_watched(prompt_ids, write);
  } else {
    trace_layers(checkpoint, prompt_ids, engine_options(flags), write);
  }
  fmt::print(stderr, "wrote {} files of [{}, {}] f32 to {}\n", n_files, n_tokens,
             checkpoint.config().hidden_size, folder.string());
}

}  // namespace tinyllm
