#include "apps/message_reader.h"

#include <string_view>

namespace tinyllm {
namespace {

constexpr std::string_view kFence = "\"\"\"";

// The rest of a block whose first line began with the fence.
InputEvent read_block(ReadLine read_line, std::string& message) {
  std::string line;
  while (true) {
    const InputEvent event = read_line(true, line);
    if (event == InputEvent::interrupted) return event;
    if (event == InputEvent::end) return InputEvent::text;
    if (!message.empty()) message += '\n';
    if (line.ends_with(kFence)) {
      message.append(line, 0, line.size() - kFence.size());
      if (message.ends_with('\n')) message.pop_back();
      return InputEvent::text;
    }
    message += line;
  }
}

InputEvent read_continued(ReadLine read_line, std::string& message) {
  std::string line;
  while (message.ends_with('\\')) {
    const InputEvent event = read_line(true, line);
    if (event == InputEvent::interrupted) return event;
    message.back() = '\n';
    if (event == InputEvent::end) {
      message.pop_back();
      return InputEvent::text;
    }
    message += line;
  }
  return InputEvent::text;
}

}  // namespace

InputEvent read_message(ReadLine read_line, std::string& message) {
  message.clear();
  const InputEvent event = read_line(false, message);
  if (event != InputEvent::text) return event;
  if (!message.starts_with(kFence)) return read_continued(read_line, message);
  message.erase(0, kFence.size());
  if (message.size() >= kFence.size() && message.ends_with(kFence)) {
    message.erase(message.size() - kFence.size());
    return InputEvent::text;
  }
  return read_block(read_line, message);
}

}  // namespace tinyllm
