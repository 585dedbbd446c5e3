// Encoders against transformers in f32 (make_encoder_goldens.py): every id and every vector of three
// small ones, and of all-minilm-l6-v2, where it is on this machine, 300 texts.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "encoder/embedder.h"
#include "model_store/model_store.h"
#include "tensor/float16.h"

namespace tinyllm {
namespace {

using Json = nlohmann::json;
using Texts = std::vector<std::vector<TokenId>>;

constexpr const char* kPublished = "all-minilm-l6-v2";

std::filesystem::path golden_path(const std::string& name) {
  return std::filesystem::path(TINYLLM_SOURCE_DIR) / "tests/golden/data/encoder" / name;
}

Json golden(const std::string& name) {
  return Json::parse(read_text_file(golden_path(name + ".json")));
}

Texts ids_of(const Embedder& embedder, const Json& texts) {
  Texts ids;
  for (const Json& text : texts)
    ids.push_back(embedder.surround(embedder.tokenize(text.get<std::string>())));
  return ids;
}

std::vector<float> embed(const Embedder& embedder, const Texts& texts) {
  std::vector<float> out(texts.size() * static_cast<std::size_t>(embedder.n_dims()));
  EXPECT_TRUE(embedder.embed(texts, out.data(), [] { return true; }));
  return out;
}

double cosine(const float* a, const float* b, std::int64_t n) {
  double dot = 0, aa = 0, bb = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    dot += double{a[i]} * double{b[i]};
    aa += double{a[i]} * double{a[i]};
    bb += double{b[i]} * double{b[i]};
  }
  return dot / std::sqrt(aa * bb);
}

// FNV-1a over the ids' little-endian bytes, as 16 hexadecimal digits.
std::string hash_of(const std::vector<TokenId>& ids) {
  std::uint64_t value = 0xCBF29CE484222325;
  for (const TokenId id : ids) {
    for (int shift = 0; shift < 32; shift += 8) {
      value ^= (static_cast<std::uint32_t>(id) >> shift) & 0xFF;
      value *= 0x100000001B3;
    }
  }
  return fmt::format("{:016x}", value);
}

class SmallEncoder : public testing::TestWithParam<const char*> {};

TEST_P(SmallEncoder, GivesTheIdsAndVectorsOfTransformers) {
  const Json want = golden(GetParam());
  const Embedder embedder(golden_path(GetParam()), {EncoderPrecision::f32, 2});
  const Texts ids = ids_of(embedder, want["texts"]);
  EXPECT_EQ(Json(ids), want["ids"]);
  const std::vector<float> got = embed(embedder, ids);
  const std::int64_t n = embedder.n_dims();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto wanted = want["vectors"][i].get<std::vector<float>>();
    float size = 0;
    for (const float value : wanted) size = std::max(size, std::fabs(value));
    for (std::int64_t d = 0; d < n; ++d) {
      ASSERT_NEAR(got[i * n + d], wanted[d], 2e-5f * size) << "text " << i << " dimension " << d;
    }
  }
}

TEST_P(SmallEncoder, Int8StaysNear) {
  const Json want = golden(GetParam());
  const Embedder embedder(golden_path(GetParam()), {EncoderPrecision::int8, 2});
  const std::vector<float> got = embed(embedder, want["ids"].get<Texts>());
  for (std::size_t i = 0; i < want["ids"].size(); ++i) {
    const auto wanted = want["vectors"][i].get<std::vector<float>>();
    EXPECT_GE(cosine(got.data() + i * wanted.size(), wanted.data(), std::ssize(wanted)), 0.998)
        << i;
  }
}

// Neighbours, order and threads change no bit.
TEST_P(SmallEncoder, ATextIsTheSameInAnyCompany) {
  for (const EncoderPrecision precision : {EncoderPrecision::f32, EncoderPrecision::int8}) {
    const Embedder two(golden_path(GetParam()), {precision, 2}),
        one(golden_path(GetParam()), {precision, 1});
    const Texts texts = golden(GetParam())["ids"].get<Texts>();
    const std::vector<float> together = embed(two, texts);
    Texts backwards(texts.rbegin(), texts.rend());
    const std::vector<float> turned = embed(one, backwards);
    const auto n = static_cast<std::size_t>(two.n_dims());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::vector<float> alone = embed(two, {texts[i]});
      const std::size_t last = texts.size() - 1 - i;
      EXPECT_EQ(std::memcmp(alone.data(), together.data() + i * n, n * 4), 0) << i;
      EXPECT_EQ(std::memcmp(alone.data(), turned.data() + last * n, n * 4), 0) << i;
    }
  }
}

TEST_P(SmallEncoder, StopsBetweenBatches) {
  const Embedder embedder(golden_path(GetParam()));
  const Texts texts(200, std::vector<TokenId>(40, 7));  // 8000 tokens
  std::vector<float> out(texts.size() * static_cast<std::size_t>(embedder.n_dims()));
  int n_asked = 0;
  EXPECT_FALSE(embedder.embed(texts, out.data(), [&] { return ++n_asked < 3; }));
  EXPECT_EQ(n_asked, 3);
}

// Each short one waits for one batch of the long one, not for all 400 batches.
TEST_P(SmallEncoder, ShortRequestsPassALongOne) {
  const Embedder embedder(golden_path(GetParam()), {EncoderPrecision::int8, 1});
  const Texts many(10'000, std::vector<TokenId>(40, 7));
  std::atomic<int> n_short = 0;
  std::binary_semaphore may_begin{0};
  std::thread other([&] {
    std::vector<float> vector(static_cast<std::size_t>(embedder.n_dims()));
    may_begin.acquire();
    for (; n_short < 20; ++n_short)
      embedder.embed(Texts{{2, 7, 3}}, vector.data(), [] { return true; });
  });
  std::vector<float> out(many.size() * static_cast<std::size_t>(embedder.n_dims()));
  int n_batches = 0;
  const bool is_whole = embedder.embed(many, out.data(), [&] {
    if (++n_batches == 3) may_begin.release();
    return n_short < 20;
  });
  EXPECT_FALSE(is_whole) << n_short << " short requests beside " << n_batches << " batches";
  other.join();
}

INSTANTIATE_TEST_SUITE_P(Golden, SmallEncoder, testing::Values("mean", "cls", "uneven"),
                         [](const auto& test) { return std::string(test.param); });

TEST(RealEncoder, AllMiniLmGivesTheVectorsOfTransformers) {
  const std::filesystem::path folder = default_model_home() / "models" / kPublished;
  if (!std::filesystem::exists(folder)) {
    GTEST_SKIP() << "NOT RUN: " << folder.string() << " is not there; run: tinyllm pull "
                 << kPublished;
  }
  const Json want = golden(kPublished);
  const std::string halves = read_text_file(golden_path(std::string(kPublished) + ".f16"));
  for (const auto& [precision, least] :
       {std::pair{EncoderPrecision::f32, 0.9999}, std::pair{EncoderPrecision::int8, 0.998}}) {
    const Embedder embedder(folder, {precision, 0});
    const Texts ids = ids_of(embedder, want["texts"]);
    const std::vector<float> got = embed(embedder, ids);
    const std::int64_t n = embedder.n_dims();
    ASSERT_EQ(halves.size(), ids.size() * n * 2);
    double lowest = 1;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      EXPECT_EQ(Json({ids[i].size(), hash_of(ids[i])}), want["ids"][i]) << want["texts"][i];
      std::vector<float> wanted(n);
      for (std::int64_t d = 0; d < n; ++d) {
        std::uint16_t half = 0;
        std::memcpy(&half, halves.data() + (i * n + d) * 2, 2);
        wanted[d] = f16_to_f32(half);
      }
      lowest = std::min(lowest, cosine(got.data() + i * n, wanted.data(), n));
    }
    EXPECT_GE(lowest, least) << (precision == EncoderPrecision::f32 ? "f32" : "int8");
    fmt::print("{} of {} texts: cosine at least {:.6f}\n",
               precision == EncoderPrecision::f32 ? "f32" : "int8", ids.size(), lowest);
  }
}

}  // namespace
}  // namespace tinyllm
