#pragma once
// What was typed in earlier conversations: a file of the user's own, one entry a line. Several
// conversations may append to it. A file that cannot be read or written is no error: then there is
// no history. Main thread only.

#include <filesystem>
#include <string>
#include <vector>

namespace tinyllm {

class InputHistory {
 public:
  // `file` empty: nothing is kept.
  explicit InputHistory(std::filesystem::path file) : file_(std::move(file)) {}

  static constexpr std::size_t kMost = 1000;

  // The newest kMost entries, oldest first. A file that has grown far beyond that is cut to them.
  std::vector<std::string> load() const;
  void append(const std::string& entry) const;

 private:
  std::filesystem::path file_;
};

}  // namespace tinyllm
