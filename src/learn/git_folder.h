#pragma once
// The git repository that a learner works in, asked and changed through the git program. It never
// asks on the terminal: what needs a password fails, with git's own words. One thread.

#include <filesystem>
#include <string>
#include <vector>

namespace tinyllm::learn {

struct GitAnswer {
  int exit_code = 0;
  std::string text;  // stdout and stderr, without the last line break
  bool ok() const { return exit_code == 0; }
};

class GitFolder {
 public:
  explicit GitFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // False without git, and where `folder` is not the top of a repository.
  bool is_repository() const;
  // "mine"; "" on no branch.
  std::string branch() const;
  bool is_merging() const;
  bool has_remote(const std::string& name) const;
  // Files that differ from the last commit, new ones too, as paths from the top.
  struct Change {
    std::string file;
    bool is_new = false;  // git does not know it yet
  };
  std::vector<Change> changes() const;
  // Files that a merge left for a person to decide.
  std::vector<std::string> conflicts() const;
  // Three versions of a file that is in conflict become one: both sides' changes, and where they
  // touch the same lines those of the branch that is checked out. Marks the file as decided.
  void settle_as_ours(const std::string& file) const;

  GitAnswer ask(const std::vector<std::string>& arguments) const;
  // What git printed. Throws Error{io} with git's words when it refuses.
  std::string must(const std::vector<std::string>& arguments) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace tinyllm::learn
