#pragma once
// For tests: writes safetensors files in memory, and whole tiny Hugging Face folders.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/temp_folder_test.h"

namespace testing {}  // namespace testing

namespace tinyllm::testing {

using namespace ::testing;  // which this namespace would hide

// A file with this header text, its length in front, and `n_data_bytes` zero bytes behind.
std::string safetensors_file(const std::string& header, std::size_t n_data_bytes);

class SafetensorsBuilder {
 public:
  // A tensor of zeros.
  SafetensorsBuilder& add(const std::string& name, const std::string& dtype,
                          const std::vector<std::uint64_t>& shape);
  std::string build() const;

 private:
  std::string header_ = R"({"__metadata__":{"format":"pt"})";  // still open
  std::uint64_t n_data_bytes_ = 0;
};

// config.json of a model of 1 layer: hidden 8, 2 heads, 1 k/v head, MLP 16, 10 tokens.
nlohmann::json tiny_hf_config(const std::string& hugging_face_class);

// Writes it as a LlamaForCausalLM with its weights in BF16,
// the head apart, and `extra` beside them.
struct ExtraTensor {
  std::string name, dtype;
  std::vector<std::uint64_t> shape;
};
void write_tiny_hf_model(const TempFolder& folder, const std::vector<ExtraTensor>& extra = {});

}  // namespace tinyllm::testing
