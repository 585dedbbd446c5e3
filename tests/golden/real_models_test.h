#pragma once
// The two published models that golden tests run, and what transformers made of them.

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include "base/file.h"
#include "model_store/model_store.h"

namespace tinyllm {

// In which of ./tiny test, ./tiny test --all (TINYLLM_ALL=1) and --long (TINYLLM_LONG=1) a test
// runs first; each runs what the one before does.
enum class TestLevel { quick, all, soak };

struct RealModel {
  const char* name;       // as in `tinyllm pull`, and of the golden files
  const char* file_name;  // in the models folder
  TestLevel level;        // of every test on it
};

inline constexpr RealModel kRealModels[] = {
    {"smollm2-135m", "SmolLM2-135M-Instruct.Q4_1.gguf", TestLevel::quick},
    {"qwen2.5-coder-1.5b", "Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf", TestLevel::soak},
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

inline TestLevel level_wanted() {
  const auto is_set = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && std::string(value) == "1";
  };
  if (is_set("TINYLLM_LONG")) return TestLevel::soak;
  return is_set("TINYLLM_ALL") ? TestLevel::all : TestLevel::quick;
}

inline std::filesystem::path model_path(const RealModel& model) {
  return default_model_home() / "models" / model.file_name;
}

// Empty when a test of this level can run, otherwise what it lacks.
inline std::string what_is_missing(const RealModel& model, TestLevel level) {
  level = std::max(level, model.level);
  if (level > level_wanted()) {
    const bool is_soak = level == TestLevel::soak;
    return std::string("NOT RUN: ") + model.name + " takes " + (is_soak ? "minutes" : "10 s") +
           " here; set " + (is_soak ? "TINYLLM_LONG=1" : "TINYLLM_ALL=1 (./tiny test --all does)");
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
