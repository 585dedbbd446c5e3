// Folders that are refused: settings that would change a text, and weights that are not finite.

#include "encoder/encoder_folder.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/temp_folder_test.h"
#include "encoder/embedder.h"

namespace tinyllm {
namespace {

namespace fs = std::filesystem;

// A copy of a small encoder, to be changed.
class EncoderCopy {
 public:
  explicit EncoderCopy(const char* name) {
    const fs::path from = fs::path(TINYLLM_SOURCE_DIR) / "tests/golden/data/encoder" / name;
    fs::copy(from, path(), fs::copy_options::recursive);
  }

  fs::path path() const { return folder_.path() / "model"; }
  void write(const char* name, std::string_view text) const {
    write_file_atomic(path() / name, text);
  }

  // Puts one float into a tensor of f32, at its element `at`.
  void write_weight(const std::string& tensor, std::size_t at, float value) const {
    std::string file = read_text_file(path() / "model.safetensors");
    std::uint64_t header_bytes = 0;
    std::memcpy(&header_bytes, file.data(), 8);
    const auto header = nlohmann::json::parse(file.substr(8, header_bytes));
    const auto begin = header.at(tensor).at("data_offsets").at(0).get<std::size_t>();
    std::memcpy(file.data() + 8 + header_bytes + begin + 4 * at, &value, 4);
    write("model.safetensors", file);
  }

 private:
  testing::TempFolder folder_;
};

TEST(EncoderFolder, LowerCaseOutsideTheTokenizerIsRefused) {
  constexpr const char* kName = "sentence_bert_config.json";
  constexpr const char* kLowers = R"({"max_seq_length": 40, "do_lower_case": true})";
  const EncoderCopy keeps("cls"), lowers("mean");
  keeps.write(kName, kLowers);
  lowers.write(kName, kLowers);
  const std::string error =
      testing::error_of(ErrorCode::unsupported, [&] { EncoderFolder folder(keeps.path()); });
  EXPECT_NE(error.find("do_lower_case is true, must be false where"), error.npos) << error;
  EXPECT_EQ(EncoderFolder(lowers.path()).max_seq_len, 40);
}

TEST(EncoderFolder, APromptBeforeEveryTextIsRefused) {
  constexpr const char* kName = "config_sentence_transformers.json";
  const EncoderCopy copy("mean");
  copy.write(kName, R"({"prompts": {"query": "query: "}, "default_prompt_name": null})");
  EXPECT_NO_THROW(EncoderFolder(copy.path()));
  copy.write(kName, R"({"prompts": {"query": "query: "}, "default_prompt_name": "query"})");
  const std::string error =
      testing::error_of(ErrorCode::unsupported, [&] { EncoderFolder folder(copy.path()); });
  EXPECT_NE(error.find("default_prompt_name is 'query', must be null"), error.npos) << error;
}

class WeightsThatAreNotFinite : public ::testing::TestWithParam<const char*> {};

TEST_P(WeightsThatAreNotFinite, AreNamed) {
  const EncoderCopy copy("mean");
  copy.write_weight(GetParam(), 7, std::numeric_limits<float>::quiet_NaN());
  for (const EncoderPrecision precision : {EncoderPrecision::f32, EncoderPrecision::int8}) {
    const std::string error = testing::error_of(ErrorCode::invalid_input, [&] {
      Embedder embedder(copy.path(), {precision, 1});
    });
    const std::string wanted = std::string("tensor ") + GetParam() + " is not finite";
    EXPECT_NE(error.find(wanted), error.npos) << error;
  }
}

INSTANTIATE_TEST_SUITE_P(Encoder, WeightsThatAreNotFinite,
                         ::testing::Values("embeddings.word_embeddings.weight",
                                           "embeddings.position_embeddings.weight",
                                           "embeddings.token_type_embeddings.weight",
                                           "embeddings.LayerNorm.bias",
                                           "encoder.layer.1.attention.self.key.weight",
                                           "encoder.layer.1.attention.self.key.bias",
                                           "encoder.layer.0.output.dense.weight",
                                           "encoder.layer.0.output.LayerNorm.weight"));

// Each weight is finite, their products are not.
TEST(EmbedderTest, AVectorThatIsNotFiniteIsAnError) {
  const EncoderCopy copy("mean");
  copy.write_weight("encoder.layer.1.output.LayerNorm.weight", 3, 3e38f);
  const Embedder embedder(copy.path(), {EncoderPrecision::f32, 1});
  std::vector<float> vector(static_cast<std::size_t>(embedder.n_dims()));
  const std::vector<std::vector<TokenId>> texts = {{2, 7, 9, 11, 12, 13, 14, 3}};
  const std::string error = testing::error_of(
      ErrorCode::invalid_input, [&] { embedder.embed(texts, vector.data(), [] { return true; }); });
  EXPECT_NE(error.find("a vector that is not finite"), error.npos) << error;
}

}  // namespace
}  // namespace tinyllm
