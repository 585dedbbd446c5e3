#pragma once
// Where result lines of a batch go: stdout, or a file that a later run continues. Main thread only.

#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

namespace tinyllm {

class BatchResults {
 public:
  // What the file holds for a request.
  enum class Found { nothing, answer, failure };

  // `path` empty: stdout. An existing file is continued: its results count as done, and a last line
  // that a killed run left half is cut off. The file is locked (flock) until the end, so a second
  // run cannot write the same results. Throws Error{invalid_input} for a file that holds anything
  // else, and changes nothing of it; Error{io}, also when another run has the lock.
  explicit BatchResults(const std::filesystem::path& path);
  ~BatchResults();
  BatchResults(const BatchResults&) = delete;
  BatchResults& operator=(const BatchResults&) = delete;

  // By custom_id; of a line without one by the result's id.
  Found found(const std::string& custom_id, const std::string& id) const;

  // One line, in one write: after a kill at most the last line is half there.
  void write(const std::string& line, const std::string& custom_id, const std::string& id);

  // Takes out the failures that have a later result: the file is replaced in one step, so that a
  // kill leaves the old one or the new one. Nothing else leaves the file. Throws Error{io}.
  void drop_replaced();

 private:
  struct Entry {
    std::size_t line = 0;  // in the file, from 1
    bool failed = false;
  };
  void open_and_lock();
  void read_existing(const std::string& content);
  void note(const std::string& custom_id, const std::string& id, Entry entry);
  void write_all(int file, std::string_view text) const;

  std::filesystem::path path_;
  int file_ = -1;
  std::size_t n_lines_ = 0;
  std::unordered_map<std::string, Entry> entries_;  // by key_of
  std::vector<std::size_t> replaced_;               // lines
};

}  // namespace tinyllm
