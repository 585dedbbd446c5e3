// Token ids against Hugging Face's tokenizers (make_tokenizer_goldens.py): every id of every text.
#include "text/tokenizer.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.h"
#include "loader/checkpoint.h"
#include "loader/text/text_sources.h"
#include "model_store/model_store.h"
#include "text/detokenizer.h"
#include "text/tokenizer_spec.h"

namespace tinyllm {
namespace {

using Json = nlohmann::json;
using Ids = std::vector<std::int32_t>;

std::string golden_path(const std::string& name) {
  return std::string(TINYLLM_SOURCE_DIR) + "/tests/golden/data/tokenizer/" + name;
}

Json read_golden(const std::string& name) { return Json::parse(read_text_file(golden_path(name))); }

const std::vector<std::string>& texts() {
  static const auto* all = new std::vector<std::string>(read_golden("texts.json"));
  return *all;
}

// FNV-1a over the ids' little-endian bytes, as 16 hexadecimal digits.
std::string hash_of(const Ids& ids) {
  std::uint64_t value = 0xCBF29CE484222325;
  for (const std::int32_t id : ids) {
    for (int shift = 0; shift < 32; shift += 8) {
      value ^= (static_cast<std::uint32_t>(id) >> shift) & 0xFF;
      value *= 0x100000001B3;
    }
  }
  return fmt::format("{:016x}", value);
}

// A golden is the list of ids, or for long ones [count, hash].
::testing::AssertionResult equals(const Ids& ids, const Json& golden) {
  const bool is_hash = golden.size() == 2 && golden[1].is_string();
  const bool equal =
      is_hash ? golden[0] == ids.size() && golden[1] == hash_of(ids) : golden == Json(ids);
  if (equal) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "ids " << Json(ids).dump().substr(0, 400) << " must be " << golden.dump();
}

std::string streamed(const Tokenizer& tokenizer, const Ids& ids, bool skip_special) {
  Detokenizer detokenizer(tokenizer, skip_special);
  std::string text;
  for (const std::int32_t id : ids) text += detokenizer.push(id);
  return text + detokenizer.finish();
}

void expect_goldens(const Tokenizer& tokenizer, const Json& golden) {
  ASSERT_GE(texts().size(), 400u);
  ASSERT_EQ(golden["ids"].size(), texts().size());
  int n_equal = 0;
  for (std::size_t i = 0; i < texts().size(); ++i) {
    SCOPED_TRACE(fmt::format("text {}: {}", i, Json(texts()[i]).dump().substr(0, 100)));
    const std::string key = std::to_string(i);
    const Ids ids = tokenizer.encode(texts()[i], {.add_special = false});
    const auto as_golden = equals(ids, golden["ids"][i]);
    EXPECT_TRUE(as_golden);
    n_equal += as_golden ? 1 : 0;

    const Json& plain = golden["plain"].value(key, golden["ids"][i]);
    EXPECT_TRUE(equals(tokenizer.encode(texts()[i], {.add_special = false, .parse_special = false}),
                       plain));

    const std::string decoded = golden["decoded"].value(key, texts()[i]);
    EXPECT_EQ(tokenizer.decode(ids), decoded);
    EXPECT_EQ(streamed(tokenizer, ids, false), decoded);
  }
  fmt::print("{} of {} texts equal\n", n_equal, texts().size());

  for (const Json& slice : golden["slices"]) {
    const Ids all = tokenizer.encode(texts()[slice[0].get<std::size_t>()], {.add_special = false});
    ASSERT_LE(slice[2].get<std::size_t>(), all.size());
    const Ids ids(all.begin() + slice[1].get<int>(), all.begin() + slice[2].get<int>());
    const auto decoded = slice[3].get<std::string>();
    EXPECT_EQ(tokenizer.decode(ids, true), decoded) << slice.dump();
    EXPECT_EQ(streamed(tokenizer, ids, true), decoded) << slice.dump();
  }
}

class TokenizerGolden : public testing::TestWithParam<const char*> {};

TEST_P(TokenizerGolden, EqualsTokenizers) {
  const std::string family = GetParam();
  const std::string file = family + ".tokenizer.json";
  const Tokenizer tokenizer(parse_tokenizer_json(read_text_file(golden_path(file)), file));
  EXPECT_EQ(tokenizer.pretokenizer_name(), family == "qwen3" ? "qwen2" : family);
  expect_goldens(tokenizer, read_golden(family + ".json"));
}

INSTANTIATE_TEST_SUITE_P(SmallVocabularies, TokenizerGolden,
                         testing::Values("gpt2", "smollm", "llama3", "qwen2", "qwen3"),
                         [](const auto& info) { return std::string(info.param); });

struct RealModel {
  const char* name;  // as in `tinyllm pull`, and of the golden file
  const char* file_name;
};

std::ostream& operator<<(std::ostream& out, const RealModel& model) { return out << model.name; }

class TokenizerGoldenOfModel : public testing::TestWithParam<RealModel> {};

TEST_P(TokenizerGoldenOfModel, EqualsTokenizers) {
  const auto path = default_model_home() / "models" / GetParam().file_name;
  if (!std::filesystem::exists(path)) {
    GTEST_SKIP() << "NOT RUN: " << path.string() << " is not there; run: tinyllm pull "
                 << GetParam().name;
  }
  const std::optional<Tokenizer> tokenizer = load_tokenizer(Checkpoint::open(path));
  ASSERT_TRUE(tokenizer.has_value());
  expect_goldens(*tokenizer, read_golden(std::string(GetParam().name) + ".json"));
}

INSTANTIATE_TEST_SUITE_P(
    RealModels, TokenizerGoldenOfModel,
    testing::Values(RealModel{"smollm2-135m", "SmolLM2-135M-Instruct.Q4_1.gguf"},
                    RealModel{"qwen2.5-coder-1.5b", "Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf"}),
    [](const auto& info) { return info.index == 0 ? "smollm2" : "qwen25_coder"; });

TEST(TokenizerGoldenVariants, EqualTokenizers) {
  const Json base = read_golden("gpt2.tokenizer.json");
  for (const Json& variant : read_golden("variants.json")) {
    SCOPED_TRACE(variant["name"].get<std::string>());
    Json document = base;
    document.update(variant["change"]);
    const Tokenizer tokenizer(parse_tokenizer_json(document.dump(), "variant"));
    const std::string hashes = variant["hashes"];
    for (std::size_t i = 0, n = 0; i < texts().size(); i += 3, ++n) {
      const Ids ids = tokenizer.encode(texts()[i], {.add_special = variant["add_special"]});
      EXPECT_EQ(hash_of(ids).substr(0, 8), hashes.substr(8 * n, 8))
          << "text " << i << ": " << Json(texts()[i]).dump() << " gives " << Json(ids).dump();
    }
  }
}

TEST(TokenizerGoldenLlama3, TemplateAddsOneBos) {
  const std::string file = "llama3.tokenizer.json";
  const Tokenizer tokenizer(parse_tokenizer_json(read_text_file(golden_path(file)), file));
  const std::optional<std::int32_t> bos = tokenizer.find("<|begin_of_text|>");
  ASSERT_TRUE(bos.has_value());
  EXPECT_EQ(tokenizer.bos_id(), bos);
  Ids expected = tokenizer.encode("x", {.add_special = false});
  expected.insert(expected.begin(), *bos);
  EXPECT_EQ(tokenizer.encode("x"), expected);
  EXPECT_EQ(tokenizer.encode("<|begin_of_text|>x"), expected);
}

}  // namespace
}  // namespace tinyllm
