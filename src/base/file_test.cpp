#include "base/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.h"
#include "base/mapped_file.h"

namespace tinyllm {
namespace {

class File : public testing::Test {
 protected:
  File() { std::filesystem::create_directories(folder_); }
  ~File() override { std::filesystem::remove_all(folder_); }

  // The message of the Error that `action` throws; "" when it throws none.
  template <typename Action>
  static std::string message_of(Action action) {
    try {
      action();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("tinyllm_file_test_" + std::to_string(::getpid()));
};

TEST_F(File, WrittenContentIsReadBackAndMapped) {
  const std::filesystem::path path = folder_ / "a.txt";
  write_file_atomic(path, "first");
  write_file_atomic(path, std::string("se\0cond", 7));
  EXPECT_EQ(read_text_file(path), std::string("se\0cond", 7));
  const MappedFile mapped(path);
  ASSERT_EQ(mapped.bytes().size(), 7u);
  EXPECT_EQ(mapped.bytes()[3], std::byte{'c'});
}

TEST_F(File, AFailedWriteLeavesNothingBehind) {
  const std::filesystem::path taken = folder_ / "a_folder";
  std::filesystem::create_directory(taken);
  EXPECT_NE(message_of([&] { write_file_atomic(taken, "x"); }).find("cannot be written"),
            std::string::npos);
  const auto entries = std::filesystem::directory_iterator(folder_);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);  // the folder alone
}

TEST_F(File, MessagesNameTheFileAndTheReason) {
  const std::string missing = (folder_ / "missing").string();
  EXPECT_EQ(message_of([&] { read_text_file(missing); }),
            missing + ": cannot be read: No such file or directory");
  EXPECT_EQ(message_of([&] { const MappedFile mapped(missing); }),
            missing + ": cannot be opened: No such file or directory");
  EXPECT_EQ(message_of([&] { const MappedFile mapped(folder_); }),
            folder_.string() + ": is not a file");
  write_file_atomic(missing, "12345");
  EXPECT_EQ(message_of([&] { read_text_file(missing, 4); }),
            missing + ": has 5 bytes, at most 4 are read");
}

TEST_F(File, AnEmptyFileMapsToNoBytes) {
  write_file_atomic(folder_ / "empty", "");
  EXPECT_TRUE(MappedFile(folder_ / "empty").bytes().empty());
}

TEST_F(File, AMovedMappingKeepsItsBytes) {
  write_file_atomic(folder_ / "a", "abc");
  MappedFile first(folder_ / "a");
  const MappedFile second = std::move(first);
  EXPECT_EQ(second.bytes().size(), 3u);
  EXPECT_EQ(second.bytes()[0], std::byte{'a'});
}

}  // namespace
}  // namespace tinyllm
