#pragma once
// Cuts a streamed text at the first stop string, also where one spans several pieces. Text that may
// still turn out to begin a stop string is held back. One object per answer; one thread.

#include <string>
#include <string_view>
#include <vector>

namespace tinyllm {

class StopStrings {
 public:
  // Empty strings are ignored.
  explicit StopStrings(std::vector<std::string> stops);

  // The text that is safe to show after this piece.
  // After a match: what stood before it, then always "".
  std::string push(std::string_view piece);
  // What was held back, at the end of the answer without a match.
  std::string finish();
  bool matched() const { return !matched_string_.empty(); }
  const std::string& matched_string() const { return matched_string_; }  // "" before a match

 private:
  std::vector<std::string> stops_;
  std::string held_;
  std::string matched_string_;
};

}  // namespace tinyllm
