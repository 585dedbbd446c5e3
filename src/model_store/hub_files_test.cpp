#include "model_store/hub_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace tinyllm {
namespace {

std::vector<std::string> chosen(const std::string& reference, std::vector<std::string> paths) {
  HubListing listing;
  for (std::string& path : paths) listing.files.emplace_back().path = std::move(path);
  std::vector<std::string> names;
  for (const HubFile& file : choose_hub_files(*parse_hub_reference(reference), listing)) {
    names.push_back(file.path);
  }
  return names;
}

TEST(HubFilesTest, References) {
  const auto whole = parse_hub_reference("Qwen/Qwen2.5-0.5B-Instruct-GGUF:Q4_K_M");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->repo, "Qwen/Qwen2.5-0.5B-Instruct-GGUF");
  EXPECT_EQ(whole->choice, "Q4_K_M");
  EXPECT_TRUE(parse_hub_reference("a/b"));
  EXPECT_TRUE(parse_hub_reference("a/b:sub/c.gguf"));
  for (const char* wrong : {"", "a", "a/", "/b", "a/b/c", "a/../b", "../b", "a/.b", "a/-b", "a b/c",
                            "a/b:", "a/b:../c", "a/b:/c", "a/b?x", "a/b#x", "a/b%2e"}) {
    EXPECT_FALSE(parse_hub_reference(wrong)) << wrong;
  }
}

TEST(HubFilesTest, Revisions) {
  const auto reference = parse_hub_reference("a/b:c.gguf@refs/pr/3");
  ASSERT_TRUE(reference);
  EXPECT_EQ(reference->repo, "a/b");
  EXPECT_EQ(reference->choice, "c.gguf");
  EXPECT_EQ(reference->revision, "refs/pr/3");
  EXPECT_EQ(parse_hub_reference("a/b")->revision, "");
  for (const char* wrong : {"a/b@", "a/b@../x", "a/b@-x", "a/b@x@y z\n"}) {
    EXPECT_FALSE(parse_hub_reference(wrong)) << wrong;
  }
}

TEST(HubFilesTest, ABoundForFilesOfUnknownSize) {
  constexpr std::uint64_t kFree = std::uint64_t{100} << 30;
  EXPECT_EQ(most_unlisted_bytes("m.gguf", kFree), kFree / 2);
  EXPECT_EQ(most_unlisted_bytes("model.safetensors", kFree), kFree / 2);
  EXPECT_EQ(most_unlisted_bytes("tokenizer.json", kFree), 64u << 20);
  EXPECT_EQ(most_unlisted_bytes("tokenizer.json", 1000), 500u);
}

TEST(HubFilesTest, SafePaths) {
  for (const char* safe : {"a", "a/b.gguf", "..a/b..", "ü/模型.gguf", "a b"}) {
    EXPECT_TRUE(is_safe_relative_path(safe)) << safe;
  }
  for (const std::string& unsafe :
       {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"), std::string("."),
        std::string("./a"), std::string("a/../b"), std::string(".."), std::string("a\\b"),
        std::string("C:a"), std::string("a\n"), std::string("a\0b", 3), std::string(201, 'a'),
        std::string("\x7f")}) {
    EXPECT_FALSE(is_safe_relative_path(unsafe)) << unsafe;
  }
}

TEST(HubFilesTest, ListingKeepsOnlyWellFormedChecksums) {
  const std::string hex64(64, 'a'), hex40(40, 'b');
  const HubListing listing = parse_hub_listing(
      "a/b", R"({"sha":")" + hex40 + R"(","siblings":[)" +
                 R"({"rfilename":"big","size":7,"blobId":")" + hex40 + R"(","lfs":{"sha256":")" +
                 hex64 + R"("}},)" + R"({"rfilename":"small","size":3,"blobId":")" + hex40 +
                 R"("},)" +
                 R"({"rfilename":"odd","size":-1,"blobId":"../x","lfs":{"sha256":7}}]})");
  EXPECT_EQ(listing.revision, hex40);
  ASSERT_EQ(listing.files.size(), 3u);
  EXPECT_EQ(listing.files[0].bytes, 7u);
  EXPECT_EQ(listing.files[0].sha256, hex64);
  EXPECT_EQ(listing.files[0].git_blob, "");
  EXPECT_EQ(listing.files[1].git_blob, hex40);
  EXPECT_EQ(listing.files[2].bytes, std::nullopt);
  EXPECT_EQ(listing.files[2].sha256 + listing.files[2].git_blob, "");
  EXPECT_EQ(parse_hub_listing("a/b", R"({"sha":"../..","siblings":[]})").revision, "main");
}

TEST(HubFilesTest, BrokenListings) {
  for (const char* wrong : {"", "[]", "7", "{}", R"({"siblings":7})", R"({"siblings":[7]})",
                            R"({"siblings":[{}]})", R"({"siblings":[{"rfilename":7}]})"}) {
    EXPECT_THROW(parse_hub_listing("a/b", wrong), Error) << wrong;
  }
}

TEST(HubFilesTest, ChoosesTheSafetensorsModelUnlessAFileIsNamed) {
  const std::vector<std::string> both = {"config.json", "model.safetensors", "m-Q8_0.gguf"};
  EXPECT_THAT(chosen("a/b", both), testing::ElementsAre("model.safetensors", "config.json"));
  EXPECT_THAT(chosen("a/b:q8_0", both), testing::ElementsAre("m-Q8_0.gguf"));
  EXPECT_THAT(chosen("a/b", {"config.json", "only.safetensors", "x/y.safetensors"}),
              testing::ElementsAre("only.safetensors", "config.json"));
}

TEST(HubFilesTest, AnEncoderComesWithTheFilesOfItsModules) {
  const std::vector<std::string> listed = {
      ".gitattributes",       "1_Pooling/config.json",
      "12_Dense/config.json", "README.md",
      "_x/config.json",       "a1_x/config.json",
      "1/config.json",        "1_Pooling/other.json",
      "config.json",          "config_sentence_transformers.json",
      "model.safetensors",    "modules.json",
      "onnx/1_x/config.json", "sentence_bert_config.json",
      "tokenizer.json"};
  EXPECT_THAT(chosen("a/b", listed),
              testing::ElementsAre("model.safetensors", "tokenizer.json", "modules.json",
                                   "sentence_bert_config.json", "config_sentence_transformers.json",
                                   "1_Pooling/config.json", "12_Dense/config.json", "config.json"));
  EXPECT_THAT(chosen("a/b", {"1_Pooling/config.json", "config.json", "model.safetensors"}),
              testing::ElementsAre("model.safetensors", "config.json"));
}

TEST(HubFilesTest, AnUnsafeNameIsRefusedOnlyWhenItIsWanted) {
  EXPECT_THAT(chosen("a/b:good.gguf", {"../evil.gguf", "good.gguf"}),
              testing::ElementsAre("good.gguf"));
  EXPECT_THROW(chosen("a/b", {"../evil.gguf"}), Error);
}

}  // namespace
}  // namespace tinyllm
