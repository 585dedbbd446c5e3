#include "retrieval/refresh.h"

#include <gmock/gmock.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/temp_folder_test.h"
#include "encoder/embedder.h"

namespace tinyllm {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TempFolder;

const char* const kEmbedder = TINYLLM_SOURCE_DIR "/tests/golden/data/encoder/mean";

const Embedder& embedder() {
  static const Embedder one(kEmbedder, {.precision = EncoderPrecision::int8, .n_threads = 1});
  return one;
}

std::vector<std::string> paths_in(const DocumentIndex& index) {
  std::vector<std::string> paths;
  for (const StoredDocument& document : index.documents()) paths.push_back(document.path);
  return paths;
}

RefreshReport refreshed(DocumentIndex& index, const std::filesystem::path& folder) {
  return refresh(index, find_documents(folder), embedder(),
                 {[](std::uint64_t, std::uint64_t) {}, [] { return true; }});
}

TEST(Refresh, TakesWhatIsNewAndForgetsWhatIsGone) {
  const TempFolder folder, elsewhere;
  folder.write("a.md", "# One\n\nalpha beta\n");
  folder.write("b.txt", "gamma");
  folder.write("broken.txt", std::string("\0\0", 2));
  folder.write(".hidden.md", "no");
  folder.write("c.png", "no");
  std::filesystem::create_symlink(elsewhere.write("out.md", "secret"), folder.path() / "out.md");
  std::filesystem::create_symlink(folder.path() / "a.md", folder.path() / "inside.md");
  const DocumentFiles found = find_documents(folder.path());
  EXPECT_THAT(found.refused, ElementsAre("out.md: is a link out of the folder"));
  EXPECT_EQ(found.other_kinds.at(".png"), 1);
  DocumentIndex index(folder.path() / ".index");
  RefreshReport report = refreshed(index, folder.path());
  EXPECT_THAT(paths_in(index), ElementsAre("a.md", "b.txt", "broken.txt"));
  EXPECT_EQ(report.n_added, 3);
  EXPECT_EQ(report.n_chunks, 2);
  EXPECT_THAT(report.problems, ElementsAre(HasSubstr("broken.txt: is binary")));
  report = refreshed(index, folder.path());
  EXPECT_EQ(report.n_same, 3);
  EXPECT_EQ(report.n_chunks, 0);
  EXPECT_EQ(report.problems.size(), 1u);  // told again, not only once
  folder.write("a.md", "# One\n\ndelta\n");
  std::filesystem::remove(folder.path() / "b.txt");
  report = refreshed(index, folder.path());
  EXPECT_EQ(report.n_changed, 1);
  EXPECT_EQ(report.n_removed, 1);
  EXPECT_EQ(index.find_words("alpha OR gamma", {}, 9).size(), 0u);
  EXPECT_EQ(index.find_words("delta", {}, 9).size(), 1u);
  index.check_integrity();
}

TEST(Refresh, WhatGaveNoTextIsReadAgainOnlyOnDemand) {
  const TempFolder folder;
  folder.write("broken.txt", std::string("\0\0", 2));
  DocumentIndex index(folder.path() / ".index");
  refreshed(index, folder.path());
  StoredDocument stored = index.documents().front();
  const auto problems_with = [&](const std::string& problem, Unreadable unreadable) {
    stored.problem = problem;
    index.put(stored, {}, {});
    return refresh(index, find_documents(folder.path()), embedder(),
                   {[](std::uint64_t, std::uint64_t) {}, [] { return true; }}, unreadable)
        .problems;
  };
  EXPECT_THAT(problems_with("stored", Unreadable::leave), ElementsAre("stored"));
  EXPECT_THAT(problems_with("stored", Unreadable::try_again), ElementsAre(HasSubstr("is binary")));
  EXPECT_THAT(problems_with("by pdftotext, which is not installed (x)", Unreadable::leave),
              ElementsAre(HasSubstr("is binary")));
}

TEST(Refresh, WhatCannotBeReadForNowStays) {
  const TempFolder folder;
  std::filesystem::create_directory(folder.path() / "now a folder.txt");
  DocumentIndex index(folder.path() / ".index");
  for (const char* path :
       {"a.txt", "closed/b.txt", "closed2/b.txt", "now a folder.txt", "gone.txt"})
    index.put({.path = path, .kind = "text", .digest = "d"}, {}, {});
  const DocumentFiles documents{.folder = folder.path(),
                                .files = {{.path = "gone.txt"}, {.path = "now a folder.txt"}},
                                .refused = {},
                                .unreadable = {"a.txt", "closed"},
                                .other_kinds = {}};
  const RefreshReport report = refresh(index, documents, embedder(),
                                       {[](std::uint64_t, std::uint64_t) {}, [] { return true; }});
  EXPECT_THAT(paths_in(index), ElementsAre("a.txt", "closed/b.txt", "now a folder.txt"));
  EXPECT_EQ(report.n_removed, 2);
  EXPECT_THAT(report.problems, ElementsAre(HasSubstr("now a folder.txt")));
}

TEST(Refresh, NamesWhatMayNotBeRead) {
  const TempFolder folder;
  namespace fs = std::filesystem;
  fs::create_directory(folder.path() / "closed");
  fs::permissions(folder.write("a.txt", "x"), fs::perms::none);
  fs::permissions(folder.path() / "closed", fs::perms::none);
  const pid_t child = fork();
  if (child == 0) {
    // Without root's rights, which know no "may not".
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    const __user_cap_data_struct none[2] = {};
    if (syscall(SYS_capset, &header, none) != 0) _exit(2);
    try {
      const DocumentFiles found = find_documents(folder.path());
      const std::vector<std::string> wanted = {"a.txt", "closed"};
      std::vector<std::string> unreadable = found.unreadable;
      std::ranges::sort(unreadable);
      _exit(unreadable == wanted && found.refused.size() == 2 && found.files.empty() ? 0 : 1);
    } catch (...) {
      _exit(3);
    }
  }
  int status = 0;
  waitpid(child, &status, 0);
  fs::permissions(folder.path() / "closed", fs::perms::owner_all);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Refresh, StopsBetweenDocumentsAndGoesOn) {
  const TempFolder folder;
  for (int i = 0; i < 9; ++i)
    folder.write("d" + std::to_string(i) + ".txt", "word" + std::to_string(i));
  DocumentIndex index(folder.path() / ".index");
  int n_asked = 0;
  const RefreshReport stopped =
      refresh(index, find_documents(folder.path()), embedder(),
              {[](std::uint64_t, std::uint64_t) {}, [&] { return ++n_asked < 9; }});
  EXPECT_TRUE(stopped.stopped);
  EXPECT_GT(index.documents().size(), 0u);
  EXPECT_LT(index.documents().size(), 9u);
  const RefreshReport rest = refreshed(index, folder.path());
  EXPECT_EQ(rest.n_same, std::ssize(index.documents()) - rest.n_added);
  EXPECT_EQ(index.documents().size(), 9u);
}

// A child indexes and is killed at some moment; what it leaves is whole, and the next run ends it.
TEST(Refresh, SurvivesKill) {
  const TempFolder folder;
  for (int i = 0; i < 40; ++i) {
    std::string text;
    for (int n = 0; n < 60; ++n) text += "word" + std::to_string(i * n) + " and. ";
    folder.write("d" + std::to_string(i) + ".txt", text);
  }
  const auto file = folder.path() / ".index";
  static_cast<void>(DocumentIndex{file});
  const auto index_all = [&] {
    DocumentIndex index(file);
    const Embedder own(kEmbedder, {.precision = EncoderPrecision::int8, .n_threads = 1});
    refresh(index, find_documents(folder.path()), own,
            {[](std::uint64_t, std::uint64_t) {}, [] { return true; }});
  };
  bool was_midway = false;
  for (std::size_t n_wanted : {1u, 7u, 23u}) {
    const pid_t child = fork();
    if (child == 0) {
      try {
        index_all();
      } catch (...) {
        _exit(1);
      }
      _exit(0);
    }
    const DocumentIndex index(file);
    int status = 0;
    pid_t reaped = 0;
    while (index.documents().size() < n_wanted && reaped == 0) {
      reaped = waitpid(child, &status, WNOHANG);
      usleep(500);
    }
    if (reaped == 0) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
    }
    EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    was_midway |= WIFSIGNALED(status) && index.documents().size() < 40;
    index.check_integrity();
    for (const StoredDocument& document : index.documents())
      EXPECT_GT(document.n_chunks, 0) << document.path;
  }
  EXPECT_TRUE(was_midway);
  DocumentIndex index(file);
  refreshed(index, folder.path());
  DocumentIndex fresh(folder.path() / ".fresh");
  refreshed(fresh, folder.path());
  EXPECT_EQ(index.n_chunks(), fresh.n_chunks());
  EXPECT_EQ(index.documents().size(), 40u);
  index.check_integrity();
}

}  // namespace
}  // namespace tinyllm
