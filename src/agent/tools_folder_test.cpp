#include "agent/tools_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/temp_folder_test.h"

namespace tinyllm {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ToolsFolderTest : public ::testing::Test {
 protected:
  ToolsFolderTest() {
    fs::create_directories(root_ / "notes");
    fs::create_directories(root_ / ".git");
    write_file_atomic(root_ / "notes/a.txt", "one\nTwo\nthree\n");
    write_file_atomic(root_ / "b.txt", "the second two\nno end");
    write_file_atomic(root_ / ".git/config", "two secrets\n");
    write_file_atomic(root_ / "empty", "");
    write_file_atomic(root_ / "binary", std::string("two\0two", 7));
    write_file_atomic(folder_.path() / "secret.txt", "the secret of two\n");
    fs::create_symlink("../../secret.txt", root_ / "notes/out");
    fs::create_symlink(folder_.path() / "secret.txt", root_ / "absolute");
    fs::create_symlink("..", root_ / "up");
    fs::create_symlink("a.txt", root_ / "notes/inside");
    fs::create_symlink("loop", root_ / "loop");
    ::mkfifo((root_ / "pipe").c_str(), 0600);
  }

  // The text, or the message of the Error.
  std::string read(const std::string& path, std::int64_t first_line = 1) const {
    try {
      return ToolsFolder(root_).read(path, first_line);
    } catch (const Error& error) {
      return std::string("error: ") + error.what();
    }
  }
  std::string search(const std::string& text, const std::string& path = "") const {
    try {
      return ToolsFolder(root_).search(text, path, [] { return false; });
    } catch (const Error& error) {
      return std::string("error: ") + error.what();
    }
  }

  const testing::TempFolder folder_;
  const fs::path root_ = folder_.path() / "root";
};

TEST_F(ToolsFolderTest, ReadsFilesAndLinesAndNames) {
  EXPECT_EQ(read("notes/a.txt"), "one\nTwo\nthree\n");
  EXPECT_EQ(read("./notes/inside", 3), "three\n");
  EXPECT_EQ(read("b.txt", 2), "no end");
  EXPECT_EQ(read("empty"), "the file is empty");
  EXPECT_EQ(read("notes"), "a.txt\ninside\nout\n");
  EXPECT_EQ(read("b.txt", 3), "error: 'b.txt' has 2 lines only");
  EXPECT_EQ(read("b.txt", 0), "error: 'first_line' counts from 1");
  EXPECT_EQ(read("c.txt"), "error: 'c.txt': there is no such file in the folder");
}

TEST_F(ToolsFolderTest, NothingOutsideIsReached) {
  for (const std::string path : {"../secret.txt", "notes/../../secret.txt", "..", "notes/.."})
    EXPECT_THAT(read(path), HasSubstr("has a '..' in it")) << path;
  EXPECT_THAT(read((folder_.path() / "secret.txt").string()), HasSubstr("is an absolute path"));
  EXPECT_THAT(read((root_ / "b.txt").string()), HasSubstr("is an absolute path"));
  for (const std::string path :
       {"notes/out", "absolute", "up", "up/secret.txt", "up/root/../secret.txt"})
    EXPECT_THAT(read(path),
                ::testing::AnyOf(HasSubstr("leads out of the folder"), HasSubstr("'..'")));
  EXPECT_THAT(read(std::string("b.txt\0/etc", 10)), HasSubstr("holds a zero byte"));
  EXPECT_THAT(read("loop"), HasSubstr("there is no such file"));
  // A folder whose name only begins like the root's.
  fs::create_directories(folder_.path() / "root2");
  write_file_atomic(folder_.path() / "root2/x", "x");
  fs::create_symlink("../root2", root_ / "sibling");
  EXPECT_THAT(read("sibling/x"), HasSubstr("leads out of the folder"));
  EXPECT_THAT(search("x", "sibling"), HasSubstr("leads out of the folder"));
  EXPECT_THROW(ToolsFolder(root_ / "b.txt"), Error);
  EXPECT_THROW(ToolsFolder(root_ / "none"), Error);
}

TEST_F(ToolsFolderTest, WhatIsNoTextIsRefused) {
  EXPECT_EQ(read("binary"), "error: 'binary' is a binary file");
  EXPECT_EQ(read("pipe"), "error: 'pipe' is no ordinary file");
  write_file_atomic(root_ / "large", std::string((4 << 20) + 1, 'x'));
  EXPECT_EQ(read("large"), "error: 'large' is larger than 4 MiB");
}

TEST_F(ToolsFolderTest, ALongFileIsReadInParts) {
  std::string text;
  for (int i = 1; i <= 3000; ++i) text += "line " + std::to_string(i) + "\n";
  write_file_atomic(root_ / "long", text);
  std::string whole;
  std::int64_t next = 1;
  while (next > 0) {
    std::string part = read("long", next);
    const std::size_t note = part.rfind("[lines ");
    next = note == std::string::npos ? 0 : std::stoll(part.substr(part.rfind(' ') + 1));
    whole += part.substr(0, note);
  }
  EXPECT_EQ(whole, text);
}

TEST_F(ToolsFolderTest, ALineThatIsLongerThanAPageIsPassed) {
  const std::string page(12 << 10, 'x');
  write_file_atomic(root_ / "wide", page + "xx\n" + page + "xx");
  EXPECT_EQ(read("wide"),
            page + "\n[the first 12288 bytes of line 1 of 2; go on with first_line 2]");
  EXPECT_EQ(read("wide", 2), page + "\n[the first 12288 bytes of line 2 of 2]");
}

TEST_F(ToolsFolderTest, SearchesAsPeopleDo) {
  EXPECT_EQ(search("TWO"), "b.txt:1: the second two\nnotes/a.txt:2: Two\n");
  EXPECT_EQ(search("two", "notes"), "notes/a.txt:2: Two\n");
  EXPECT_EQ(search("two", "notes/a.txt"), "notes/a.txt:2: Two\n");
  EXPECT_EQ(search("secret"), "no line of 4 files holds 'secret'");
  EXPECT_EQ(search(""), "error: 'text' is empty");
  std::string many;
  for (int i = 0; i < 100; ++i) many += "hit\n";
  write_file_atomic(root_ / "many", many);
  EXPECT_THAT(search("hit"), HasSubstr("[the first 50 lines; there may be more]"));
}

TEST_F(ToolsFolderTest, AsTools) {
  ToolBox box;
  add_folder_tools(box, root_);
  const auto run = [&](const char* name, const nlohmann::ordered_json& arguments) {
    return box.run(name, arguments, 1000, [] { return false; }).text;
  };
  EXPECT_EQ(run("read_file", {{"path", "notes/a.txt"}, {"first_line", 2}}), "Two\nthree\n");
  EXPECT_EQ(run("read_file", {{"path", "b.txt"}, {"first_line", "2"}}),
            "'first_line' must be a whole number");
  EXPECT_EQ(run("search", {{"text", "one"}}), "notes/a.txt:1: one\n");
}

}  // namespace
}  // namespace tinyllm
