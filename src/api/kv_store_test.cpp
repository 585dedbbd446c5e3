#include "api/kv_store.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "base/temp_folder_test.h"

namespace tinyllm {
namespace {

TEST(KvStoreSpec, AFolderAndPerhapsASize) {
  const auto read = [](const char* text) {
    const KvStoreSpec spec = parse_kv_store(text);
    return std::pair(spec.folder.string(), spec.max_bytes);
  };
  using Pair = std::pair<std::string, std::int64_t>;
  constexpr std::int64_t kDefault = std::int64_t{16} << 30;
  EXPECT_EQ(read("kv"), Pair("kv", kDefault));
  EXPECT_EQ(read("/a/b:20G"), Pair("/a/b", std::int64_t{20} << 30));
  EXPECT_EQ(read("kv:500M"), Pair("kv", 500 << 20));
  EXPECT_EQ(read("kv:2T"), Pair("kv", std::int64_t{2} << 40));
  EXPECT_EQ(read("kv:3K"), Pair("kv", 3072));
  EXPECT_EQ(read("kv:12345"), Pair("kv", 12345));
  EXPECT_EQ(read("a:b"), Pair("a:b", kDefault));
  EXPECT_EQ(read("a:20GB/"), Pair("a:20GB/", kDefault));
  EXPECT_EQ(read("a:0/b"), Pair("a:0/b", kDefault));
  EXPECT_EQ(read("a:1M:2M"), Pair("a:1M", 2 << 20));
  EXPECT_EQ(read("a:-1M"), Pair("a:-1M", kDefault));
  EXPECT_FALSE(KvStoreSpec().wanted());
}

TEST(KvStoreSpec, WithoutAFolderIsRefused) {
  for (const char* text : {"", ":5G"}) {
    EXPECT_EQ(testing::error_of(ErrorCode::usage, [&] { parse_kv_store(text); }),
              "--kv-store takes DIR or DIR:SIZE, as in ~/kv:20G");
  }
}

TEST(KvStoreSpec, ASizeThatIsNoneIsRefused) {
  for (const std::string size : {"20GB", "20g", "1.5T", "20 G", "1GG", "99999999999T"}) {
    EXPECT_EQ(
        testing::error_of(ErrorCode::usage, [&] { parse_kv_store("kv:" + size); }),
        "--kv-store: '" + size + "' is no size: a number, and K, M, G or T, as in 500M or 20G");
  }
}

}  // namespace
}  // namespace tinyllm
