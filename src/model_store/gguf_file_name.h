#pragma once
// What the name of a published GGUF file says:
// its quantisation, and which piece of a split file it is. Any thread.

#include <optional>
#include <string>
#include <string_view>

namespace tinyllm {

// "model-00002-of-00003.gguf" -> {"model", 2, 3}.
struct GgufSplit {
  std::string stem;
  int index = 0;    // from 1
  int n_files = 0;  // >= index
};
std::optional<GgufSplit> parse_gguf_split(std::string_view file);

// True for "Qwen2.5-1.5B-Q4_K_M.gguf" and "q4_k_m", not for "Q4_K". A quantisation stands between
// '-', '_', '.', '/' or the name's start and '-', '.', '/' or its end. Case does not matter.
bool names_quantization(std::string_view file, std::string_view quantization);

// A GGUF file that is a model: not the image projector
// of one ("mmproj-..."), not an importance matrix.
bool is_model_gguf(std::string_view file);

}  // namespace tinyllm
