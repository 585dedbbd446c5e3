#include "agent/event_reader.h"

#include <utility>

namespace tinyllm {

void EventReader::take_line(std::vector<std::string>& events) {
  const std::string line = std::exchange(line_, "");
  if (line.empty()) {
    if (!data_.empty()) events.push_back(std::exchange(data_, ""));
    return;
  }
  std::string_view value(line);
  if (!value.starts_with("data:")) return;  // event, id, retry, a comment
  value.remove_prefix(5);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (!data_.empty()) data_ += '\n';
  data_ += value;
}

void EventReader::push(std::string_view text, std::vector<std::string>& events) {
  for (const char c : text) {
    const bool is_second = std::exchange(after_return_, c == '\r') && c == '\n';
    if (is_second) continue;
    if (c == '\n' || c == '\r') {
      take_line(events);
    } else {
      line_ += c;
    }
  }
}

}  // namespace tinyllm
