#pragma once
// Where result lines of a batch go: stdout, or a file that a later run continues. Main thread only.

#include <filesystem>
#include <string>
#include <unordered_set>

namespace tinyllm {

class BatchResults {
 public:
  // `path` empty: stdout. An existing file is continued: its results count as done, and a last line
  // without its end (the run before was killed) is cut off. Throws Error{invalid_input} with the
  // line for a file that holds something else, Error{io}.
  explicit BatchResults(const std::filesystem::path& path);
  ~BatchResults();
  BatchResults(const BatchResults&) = delete;
  BatchResults& operator=(const BatchResults&) = delete;

  // Whether the file had a result for this custom_id, or, of a line without one, for this id.
  bool done(const std::string& custom_id, const std::string& id) const;
  std::size_t n_found() const { return custom_ids_.size() + ids_.size(); }

  // One line, in one write: after a kill at most the last line is half there.
  void write(const std::string& line);

 private:
  void read_existing(const std::filesystem::path& path);

  std::string path_;
  int file_ = -1;
  std::unordered_set<std::string> custom_ids_, ids_;
};

}  // namespace tinyllm
