#include "learn/course_update.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include "base/error.h"
#include "learn/git_folder.h"
#include "learn/scratch_lock.h"

namespace tinyllm::learn {
namespace {

namespace fs = std::filesystem;

// Folders whose files are the learner's: where both sides changed a line, theirs stands.
constexpr std::array<std::string_view, 5> kOwnFolders = {"code/", "sessions/", "notes/",
                                                         "exercises/", "progress/"};
constexpr const char* kWorkMessage = "My work before an update of the course";

bool is_own(const std::string& file) {
  return std::ranges::any_of(kOwnFolders, [&](auto folder) { return file.starts_with(folder); });
}

// "a.cpp, b.cpp and 3 more"
std::string listed(const std::vector<std::string>& files) {
  constexpr std::size_t kMaxNames = 4;
  std::string text;
  for (std::size_t i = 0; i < std::min(files.size(), kMaxNames); ++i) {
    text += (i == 0 ? "" : ", ") + files[i];
  }
  if (files.size() > kMaxNames) text += fmt::format(" and {} more", files.size() - kMaxNames);
  return text;
}

class CourseMerge {
 public:
  CourseMerge(const CoursePaths& paths, const Style& style, const UpdateOptions& options)
      : git_(paths.root), style_(style), options_(options) {}

  // True when something came; false when there was nothing new.
  bool run() {
    if (!git_.is_repository()) {
      say("This folder is not a git repository (was it a download?), so nothing can be fetched:\n"
          "unpack a new version over it, and call this again. Clones update by themselves.\n");
      return false;
    }
    check_state();
    const std::string source = fetch();
    const std::string count = git_.must({"rev-list", "--count", "HEAD.." + source});
    if (count == "0") {
      say(fmt::format("{}: nothing new.\n", source));
      return false;
    }
    show_news(source, count);
    commit_own_work();
    before_ = git_.must({"rev-parse", "--short", "HEAD"});
    merge(source);
    say(fmt::format("Merged. To go back: git reset --keep {}\n", before_));
    return true;
  }

 private:
  void check_state() {
    if (git_.is_merging()) {
      fail(ErrorCode::usage,
           "a merge is under way here; end it (git commit) or drop it (git merge --abort) first");
    }
    if (git_.branch().empty()) {
      fail(ErrorCode::usage,
           "you are on no branch, so there is nothing to merge into; 'git switch -c mine' makes "
           "one");
    }
    std::vector<std::string> foreign;
    for (const GitFolder::Change& change : git_.changes()) {
      if (is_own(change.file)) {
        own_changes_.push_back(change.file);
      } else if (!change.is_new) {
        foreign.push_back(change.file);
      }
    }
    if (!foreign.empty()) {
      fail(ErrorCode::usage,
           "changed outside of your folders and not committed: {}; commit that (git commit -a) or "
           "put it aside (git stash), then update again",
           listed(foreign));
    }
  }

  // The name of the branch to merge: "origin/main".
  std::string fetch() {
    std::string remote = options_.remote;
    if (remote.empty()) remote = git_.has_remote("upstream") ? "upstream" : "origin";
    const GitAnswer url = git_.ask({"remote", "get-url", remote});
    if (!url.ok()) {
      fail(ErrorCode::usage,
           "git knows no remote '{}' to take the course from; 'git remote add upstream URL' names "
           "one",
           remote);
    }
    if (!options_.no_fetch) {
      say(style_.dim(fmt::format("asking {} ({}) ...\n", remote, url.text)));
      const GitAnswer fetched = git_.ask({"fetch", "--quiet", remote});
      if (!fetched.ok()) {
        fail(ErrorCode::network,
             "cannot reach {} ({}): {}; nothing was changed. Where git must ask for a password: "
             "'git fetch {}', then './tiny learn update --no-fetch'",
             remote, url.text, fetched.text.substr(0, fetched.text.find('\n')), remote);
      }
    }
    const GitAnswer head =
        git_.ask({"symbolic-ref", "--quiet", "--short", "refs/remotes/" + remote + "/HEAD"});
    const std::string source = head.ok() ? head.text : remote + "/main";
    if (!git_.ask({"rev-parse", "--quiet", "--verify", source + "^{commit}"}).ok()) {
      fail(ErrorCode::usage, "{} has no branch main; is it a clone of the course?", remote);
    }
    return source;
  }

  void show_news(const std::string& source, const std::string& count) {
    say(fmt::format("{} has {} new commit(s). Those that touch lessons:\n", source, count));
    const std::string subjects = git_.must({"log", "--no-merges", "--max-count=8", "--format=  %s",
                                            "HEAD.." + source, "--", "course"});
    say(subjects.empty() ? "  none\n" : subjects + "\n");
  }

  void commit_own_work() {
    if (own_changes_.empty()) return;
    say(fmt::format("Not committed yet: {}.\n", listed(own_changes_)));
    if (!options_.yes) {
      if (!stdin_is_terminal()) {
        fail(ErrorCode::usage,
             "your work must be committed first; './tiny learn update --yes' does both");
      }
      say("Commit that now, so that nothing can be lost? [Y/n] ");
      std::string answer;
      if (!std::getline(std::cin, answer) || answer == "n" || answer == "N") {
        fail(ErrorCode::usage, "nothing was merged; commit your work, then update again");
      }
    }
    if (!git_.ask({"var", "GIT_COMMITTER_IDENT"}).ok()) {
      fail(ErrorCode::usage,
           "git does not know who you are: git config user.name NAME, git config user.email MAIL");
    }
    std::vector<std::string> add = {"add", "--all", "--"};
    add.insert(add.end(), own_changes_.begin(), own_changes_.end());
    git_.must(add);
    git_.must({"commit", "--quiet", "--message", kWorkMessage});
    say(fmt::format("Committed on {} as '{}'.\n", git_.branch(), kWorkMessage));
  }

  void merge(const std::string& source) {
    // Without renames: a file of the learner's that the course moves would be merged into its new
    // place, which is the course's. The other strategy, ort, takes no notice of that in git 2.39.
    const GitAnswer merged =
        git_.ask({"merge", "--ff", "--no-commit", "--quiet", "--strategy=recursive",
                  "--strategy-option=no-renames", source});
    const std::vector<std::string> conflicts = git_.conflicts();
    if (!merged.ok() && conflicts.empty()) {
      git_.ask({"merge", "--abort"});
      fail(ErrorCode::io, "git would not merge, and nothing is changed: {}", merged.text);
    }
    try {
      settle(source, conflicts);
      if (git_.is_merging()) {
        git_.must(
            {"commit", "--quiet", "--no-edit", "--message", "Merge a new version of the course"});
      }
    } catch (const Error&) {
      git_.ask({"merge", "--abort"});
      throw;
    }
  }

  void settle(const std::string& source, const std::vector<std::string>& conflicts) {
    std::vector<std::string> foreign;
    for (const std::string& file : conflicts) {
      if (!is_own(file)) foreign.push_back(file);
    }
    if (!foreign.empty()) {
      fail(ErrorCode::usage,
           "you and the course changed the same lines of {}, so nothing was merged. To take the "
           "course's: git restore --source={} FILE, commit, update again. To decide line by line: "
           "git merge {}",
           listed(foreign), source, source);
    }
    for (const std::string& file : conflicts) {
      git_.settle_as_ours(file);
      say(
          fmt::format("{}: you and the course changed the same lines. There yours stand; the "
                      "course's: git show {}:{}\n",
                      file, source, file));
    }
  }

  GitFolder git_;
  const Style& style_;
  const UpdateOptions& options_;
  std::vector<std::string> own_changes_;
  std::string before_;
};

// Through ./tiny, which builds what the merge has changed.
[[noreturn]] void go_on_as_new_version(const CoursePaths& paths) {
  std::string tiny = (paths.root / "tiny").string();
  std::string words[] = {"learn", "update", "--merged"};
  char* arguments[] = {tiny.data(), words[0].data(), words[1].data(), words[2].data(), nullptr};
  ::execv(tiny.c_str(), arguments);
  fail(ErrorCode::io, "the merge is done, but {} cannot be started; call it: ./tiny learn update",
       tiny);
}

void say_what_changed(const CoursePaths& paths) {
  const Course course = read_course(paths);
  const ScratchLock lock(paths);
  Progress progress(paths);
  const std::vector<std::string> news = update_files(paths, course, progress);
  progress.save();
  for (const std::string& line : news) say("  " + line + "\n");
  say(news.empty() ? fmt::format("Course version {}: nothing to do for you.\n", course.version)
                   : "Your code and your progress are as they were.\n");
}

}  // namespace

void run_update_command(const SessionOptions& session, const UpdateOptions& options) {
  // Not as a Session, which writes what is missing before anybody could be told.
  const CoursePaths paths = find_course(session.folder);
  const Style style = make_style(session.plain);
  // With --folder the course stands elsewhere: that clone is updated in its own place.
  const bool in_clone = paths.learner == paths.root;
  if (in_clone && !options.merged && CourseMerge(paths, style, options).run()) {
    go_on_as_new_version(paths);
  }
  say_what_changed(paths);
}

}  // namespace tinyllm::learn
