#include "apps/message_reader.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

namespace tinyllm {
namespace {

// All messages of these lines; "^C" stands for the key.
std::vector<std::string> messages_of(std::deque<std::string> lines) {
  std::vector<std::string> messages;
  const auto read_line = [&](bool, std::string& line) {
    if (lines.empty()) return InputEvent::end;
    line = lines.front();
    lines.pop_front();
    return line == "^C" ? InputEvent::interrupted : InputEvent::text;
  };
  std::string message;
  while (true) {
    const InputEvent event = read_message(read_line, message);
    if (event == InputEvent::end) return messages;
    messages.push_back(event == InputEvent::interrupted ? "interrupted" : message);
  }
}

using Messages = std::vector<std::string>;

TEST(MessageReader, ALineIsAMessage) {
  EXPECT_EQ(messages_of({"one", "", "two"}), (Messages{"one", "", "two"}));
}

TEST(MessageReader, BackslashJoinsLines) {
  EXPECT_EQ(messages_of({"a\\", "b\\", "c", "d"}), (Messages{"a\nb\nc", "d"}));
  EXPECT_EQ(messages_of({"a\\"}), (Messages{"a"}));
}

TEST(MessageReader, BlockKeepsItsLines) {
  EXPECT_EQ(messages_of({R"(""")", "x", "", "  y\\", R"(""")", "z"}),
            (Messages{"x\n\n  y\\", "z"}));
  EXPECT_EQ(messages_of({R"("""x)", R"(y""")"}), (Messages{"x\ny"}));
  EXPECT_EQ(messages_of({R"("""x""")"}), (Messages{"x"}));
}

TEST(MessageReader, EndOfInputEndsABlock) {
  EXPECT_EQ(messages_of({R"("""x)", "y"}), (Messages{"x\ny"}));
}

TEST(MessageReader, CtrlCThrowsAPartialMessageAway) {
  EXPECT_EQ(messages_of({R"(""")", "x", "^C", "y"}), (Messages{"interrupted", "y"}));
  EXPECT_EQ(messages_of({"x\\", "^C", "y"}), (Messages{"interrupted", "y"}));
}

}  // namespace
}  // namespace tinyllm
