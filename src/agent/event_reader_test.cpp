#include "agent/event_reader.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

using Events = std::vector<std::string>;

Events read(std::string_view text, std::size_t piece) {
  EventReader reader;
  Events events;
  for (std::size_t i = 0; i < text.size(); i += piece) reader.push(text.substr(i, piece), events);
  return events;
}

TEST(EventReader, PiecesOfAnySize) {
  constexpr std::string_view kText =
      ": ping\n\nevent: message\nid: 1\ndata: {\"a\":\ndata:1}\n\nretry: 5\r\ndata: b\r\n\r\n"
      "data: c\r\rdata\n\ndata: never ended\n";
  for (std::size_t piece = 1; piece <= kText.size(); ++piece)
    EXPECT_EQ(read(kText, piece), (Events{"{\"a\":\n1}", "b", "c"})) << piece;
}

}  // namespace
}  // namespace tinyllm
