// The template interpreter against jinja2 as transformers sets it up (make_template_goldens.py):
// own templates, one construct each, and published ones, which are read from where they lie.

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "loader/checkpoint.h"
#include "loader/text/text_sources.h"
#include "model_store/model_store.h"
#include "text/chat_template.h"

namespace tinyllm {
namespace {

using Json = nlohmann::ordered_json;

Json golden(const char* name) {
  return Json::parse(read_text_file(std::string(TINYLLM_SOURCE_DIR "/tests/golden/data/") + name));
}

// Renders as the script did: messages empty unless given, add_generation_prompt out of the inputs.
std::string render(const std::string& source, Json inputs, const Json& file) {
  TemplateOptions options;
  options.now = file["now"].get<std::time_t>();
  options.add_generation_prompt = inputs.value("add_generation_prompt", true);
  inputs.erase("add_generation_prompt");
  if (!inputs.contains("messages")) inputs["messages"] = Json::array();
  return ChatTemplate(source, file["special_tokens"]).render(inputs, options).text;
}

// What the case or rendering comes to: its text, or "ERROR" where Python raises. A message without
// a place in the template would be of no use, so it counts as wrong.
std::string outcome(const std::string& source, const Json& inputs, const Json& file) {
  try {
    return render(source, inputs, file);
  } catch (const Error& error) {
    const bool has_place = std::string(error.what()).starts_with("chat template, line ");
    return has_place ? "ERROR" : std::string("ERROR without a place: ") + error.what();
  }
}

std::string error_of(const std::string& source, const Json& inputs, const Json& file) {
  try {
    return "rendered: " + render(source, inputs, file);
  } catch (const Error& error) {
    return error.what();
  }
}

class TemplateGoldenTest : public testing::Test {
 protected:
  void SetUp() override {  // strftime_now shows local time
    setenv("TZ", "UTC", 1);
    tzset();
  }
};

TEST_F(TemplateGoldenTest, EveryConstructAsJinja2) {
  const Json file = golden("template_cases.json");
  int n_equal = 0;
  for (const Json& test_case : file["cases"]) {
    const auto source = test_case["template"].get<std::string>();
    const std::string wanted =
        test_case.contains("error") ? "ERROR" : test_case["expected"].get<std::string>();
    const std::string found = outcome(source, test_case["inputs"], file);
    EXPECT_EQ(found, wanted) << test_case["name"] << "\n"
                             << source << "\n"
                             << error_of(source, test_case["inputs"], file);
    n_equal += found == wanted ? 1 : 0;
  }
  std::printf("own templates: %d of %zu cases equal\n", n_equal, file["cases"].size());
  EXPECT_GE(file["cases"].size(), 250u);
}

std::string sha256(const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int n_bytes = 0;
  EVP_Digest(text.data(), text.size(), digest, &n_bytes, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < n_bytes; ++i) {
    char pair[3];
    std::snprintf(pair, sizeof pair, "%02x", digest[i]);
    hex += pair;
  }
  return hex;
}

std::filesystem::path shared_templates() {
  const char* folder = std::getenv("TINYLLM_SHARED_TEMPLATES");
  return folder != nullptr ? folder : TINYLLM_SOURCE_DIR "/../shared/templates";
}

// The template of that name: a .jinja file of the shared folder or of a model in the models folder.
std::optional<std::string> published_template(const std::string& name) {
  if (name.ends_with(".jinja")) {
    const std::filesystem::path path = shared_templates() / name;
    if (!std::filesystem::exists(path)) return std::nullopt;
    return read_text_file(path);
  }
  const std::filesystem::path path = default_model_home() / "models" / name;
  if (!std::filesystem::exists(path)) return std::nullopt;
  const auto loaded = load_chat_template(Checkpoint::open(path));
  return loaded ? std::optional(loaded->source()) : std::nullopt;
}

void compare_published(const std::string& name, const std::string& source, const Json& file) {
  const Json& renderings = file["templates"][name];
  std::size_t n_equal = 0, n_errors = 0;
  for (const auto& [key, wanted] : renderings.items()) {
    const std::size_t slash = key.rfind('/');
    Json inputs = file["conversations"][key.substr(0, slash)];
    inputs["add_generation_prompt"] = key.substr(slash + 1) == "prompt";
    const std::string text = outcome(source, inputs, file);
    const bool is_equal = wanted.contains("error")
                              ? text == "ERROR"
                              : text.size() == wanted["bytes"].get<std::size_t>() &&
                                    sha256(text) == wanted["sha256"].get<std::string>();
    EXPECT_TRUE(is_equal) << name << ": " << key << "\n"
                          << wanted << "\n"
                          << text << "\n"
                          << error_of(source, inputs, file);
    n_equal += is_equal ? 1 : 0;
    n_errors += wanted.contains("error") ? 1 : 0;
  }
  std::printf("%s: %zu of %zu renderings equal (%zu of them refused by both)\n", name.c_str(),
              n_equal, renderings.size(), n_errors);
}

TEST_F(TemplateGoldenTest, PublishedTemplatesAsTransformers) {
  const Json file = golden("template_published.json");
  std::string missing;
  for (const auto& [name, renderings] : file["templates"].items()) {
    if (const auto source = published_template(name)) {
      compare_published(name, *source, file);
    } else {
      missing += "\n  " + name;
    }
  }
  if (!missing.empty()) {
    GTEST_SKIP() << "NOT RUN for templates that are not here:" << missing << "\nlooked in "
                 << shared_templates().string() << " (TINYLLM_SHARED_TEMPLATES) and "
                 << (default_model_home() / "models").string() << " (tinyllm pull NAME)";
  }
}

}  // namespace
}  // namespace tinyllm
