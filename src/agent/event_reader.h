#pragma once
// Server-sent events (WHATWG HTML, 9.2.6) -> the data of each, from pieces of any size. One thread.

#include <string>
#include <string_view>
#include <vector>

namespace tinyllm {

class EventReader {
 public:
  // Appends the data of the events that `text` ends.
  void push(std::string_view text, std::vector<std::string>& events);

  std::size_t n_held_bytes() const { return line_.size() + data_.size(); }

 private:
  void take_line(std::vector<std::string>& events);

  std::string line_, data_;
  bool after_return_ = false;  // a newline behind a carriage return ends no line of its own
};

}  // namespace tinyllm
