#include "base/digest.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/temp_folder_test.h"

namespace tinyllm {
namespace {

// FIPS 180-4 examples, and what `git hash-object` says.
TEST(DigestTest, KnownAnswers) {
  const testing::TempFolder folder;
  const auto abc = folder.write("abc", "abc");
  const auto empty = folder.write("empty", "");
  const auto digest = [](const std::filesystem::path& path, DigestKind kind) {
    return file_digest(path, kind, [](std::uint64_t) {});
  };
  EXPECT_EQ(digest(abc, DigestKind::sha256),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest(empty, DigestKind::sha256),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest(abc, DigestKind::git_blob), "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f");
  EXPECT_EQ(digest(empty, DigestKind::git_blob), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
  EXPECT_THROW(digest(folder.path() / "none", DigestKind::sha256), Error);
}

}  // namespace
}  // namespace tinyllm
