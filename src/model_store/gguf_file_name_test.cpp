#include "model_store/gguf_file_name.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

TEST(GgufFileNameTest, Split) {
  const auto split = parse_gguf_split("a/m-q4-00002-of-00013.gguf");
  ASSERT_TRUE(split);
  EXPECT_EQ(split->stem, "a/m-q4");
  EXPECT_EQ(split->index, 2);
  EXPECT_EQ(split->n_files, 13);
  for (const char* whole :
       {"m.gguf", "", "-00001-of-00002.gguf", "m-00000-of-00002.gguf", "m-00003-of-00002.gguf",
        "m-0000a-of-00002.gguf", "m-00001-of-00002.safetensors", "m-+0001-of-00002.gguf"}) {
    EXPECT_FALSE(parse_gguf_split(whole)) << whole;
  }
}

TEST(GgufFileNameTest, Quantization) {
  EXPECT_TRUE(names_quantization("Qwen2.5-0.5B-Q4_K_M.gguf", "q4_k_m"));
  EXPECT_TRUE(names_quantization("qwen.Q4_K_M.gguf", "Q4_K_M"));
  EXPECT_TRUE(names_quantization("m-Q8_0-00001-of-00002.gguf", "q8_0"));
  EXPECT_TRUE(names_quantization("Q8_0/m-00001-of-00002.gguf", "q8_0"));
  EXPECT_TRUE(names_quantization("model_f16.gguf", "F16"));
  EXPECT_FALSE(names_quantization("m-Q4_K_M.gguf", "q4_k"));
  EXPECT_FALSE(names_quantization("m-IQ4_NL.gguf", "q4_nl"));
  EXPECT_FALSE(names_quantization("m-bf16.gguf", "f16"));
  EXPECT_FALSE(names_quantization("m.gguf", ""));
}

TEST(GgufFileNameTest, ProjectorsAreNoModels) {
  EXPECT_TRUE(is_model_gguf("a/b.gguf"));
  EXPECT_FALSE(is_model_gguf("a/mmproj-b-f16.gguf"));
  EXPECT_FALSE(is_model_gguf("imatrix.gguf"));
  EXPECT_FALSE(is_model_gguf("b.gguf.part"));
}

}  // namespace
}  // namespace tinyllm
