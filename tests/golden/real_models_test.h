#pragma once
// The two published models that golden tests run, and what transformers made of them.

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include "base/file.h"
#include "model_store/model_store.h"

namespace tinyllm {

struct RealModel {
  const char* name;       // as in `tinyllm pull`, and of the golden files
  const char* file_name;  // in the models folder
  bool is_long;           // runs only with TINYLLM_LONG=1
};

inline constexpr RealModel kRealModels[] = {
    {"smollm2-135m", "SmolLM2-135M-Instruct.Q4_1.gguf", false},
    {"qwen2.5-coder-1.5b", "Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf", true},
};

inline std::ostream& operator<<(std::ostream& out, const RealModel& model) {
  return out << model.name;
}

// A test's name may hold letters, digits and _ only.
inline std::string test_name(const RealModel& model) {
  std::string name = model.name;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

inline bool long_tests_wanted() {
  const char* value = std::getenv("TINYLLM_LONG");
  return value != nullptr && std::string(value) == "1";
}

inline std::filesystem::path model_path(const RealModel& model) {
  return default_model_home() / "models" / model.file_name;
}

// Empty when the test can run, otherwise what it lacks.
inline std::string what_is_missing(const RealModel& model, bool is_long) {
  if (is_long && !long_tests_wanted()) {
    return std::string("NOT RUN: ") + model.name + " takes minutes; set TINYLLM_LONG=1";
  }
  if (!std::filesystem::exists(model_path(model))) {
    return "NOT RUN: " + model_path(model).string() + " is not there; run: tinyllm pull " +
           model.name;
  }
  return "";
}

inline nlohmann::json golden(const RealModel& model, const std::string& what) {
  return nlohmann::json::parse(read_text_file(
      std::string(TINYLLM_SOURCE_DIR "/tests/golden/data/") + model.name + "." + what + ".json"));
}

}  // namespace tinyllm
