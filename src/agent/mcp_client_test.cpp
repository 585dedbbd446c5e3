#include "agent/mcp_client.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "base/json_parse.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

// What the client has sent, and what it is told in turn. An empty text: nothing comes.
struct Wire {
  std::vector<std::string> sent;
  std::deque<std::string> replies;
  bool cannot_cancel = false;
  int reply_ms = 0;
};

class ScriptedTransport final : public McpTransport {
 public:
  explicit ScriptedTransport(Wire& wire) : wire_(wire) {}
  bool is_open() const override { return true; }
  void set_revision(const std::string&) override {}
  void send(std::string_view message, bool) override { wire_.sent.emplace_back(message); }
  void cancel(std::string_view notice) override {
    if (wire_.cannot_cancel) fail(ErrorCode::io, "does not read what it is sent");
    wire_.sent.emplace_back(notice);
  }
  std::optional<std::string> receive(function_ref<bool()> may_wait) override {
    if (wire_.replies.empty()) {
      while (may_wait()) {
      }
      return std::nullopt;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(wire_.reply_ms));
    std::string reply = wire_.replies.front();
    wire_.replies.pop_front();
    return reply;
  }

 private:
  Wire& wire_;
};

class McpClientTest : public ::testing::Test {
 protected:
  // The message of the Error, or "".
  template <typename Action>
  std::string error_of(Action action) {
    try {
      action();
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }
  std::string initialize() {
    return error_of([&] { client_.initialize([] { return false; }); });
  }
  ToolResult call(function_ref<bool()> interrupted) {
    return client_.call_tool("f", {{"a", 1}}, interrupted);
  }

  Wire wire_;
  McpClient client_{std::make_unique<ScriptedTransport>(wire_), 0.05};
};

TEST_F(McpClientTest, Greets) {
  wire_.replies = {R"({"jsonrpc":"2.0","method":"notifications/message","params":{}})",
                   "a log line", R"({"jsonrpc":"2.0","id":9,"method":"ping"})",
                   R"({"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2024-11-05"}})"};
  EXPECT_EQ(initialize(), "");
  ASSERT_EQ(wire_.sent.size(), 3u);
  EXPECT_EQ(json::parse(wire_.sent[0])["method"], "initialize");
  EXPECT_EQ(wire_.sent[1], R"({"jsonrpc":"2.0","id":9,"result":{}})");
  EXPECT_EQ(wire_.sent[2], R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
}

TEST_F(McpClientTest, WhatIsNoAnswerIsRefused) {
  wire_.replies = {R"({"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"3000-01-01"}})"};
  EXPECT_EQ(initialize(), "speaks revision '3000-01-01' of the protocol, which is not known here");
  wire_.replies = {R"({"jsonrpc":"2.0","id":2})"};
  EXPECT_EQ(initialize(), "answers initialize with neither result nor error");
  wire_.replies = {R"({"jsonrpc":"2.0","id":3,"error":{"code":1,"message":"no\nkey"}})"};
  EXPECT_EQ(initialize(), "refuses initialize: 'no\\x0akey'");
  wire_.replies = {"log", R"({"jsonrpc":"2.0","id":"4","result":{}})"};
  EXPECT_EQ(initialize(),
            "did not answer initialize within 0.05 s; it says 'log', which is not the protocol");
}

TEST_F(McpClientTest, ACallThatNobodyWaitsForIsCancelled) {
  EXPECT_EQ(error_of([&] { call([] { return true; }); }), "was stopped by the user");
  ASSERT_EQ(wire_.sent.size(), 2u);
  EXPECT_EQ(wire_.sent[1], R"({"jsonrpc":"2.0","method":"notifications/cancelled",)"
                           R"("params":{"requestId":1,"reason":"the user stopped it"}})");
  EXPECT_EQ(error_of([&] { call([] { return false; }); }),
            "did not answer tools/call within 0.05 s");
  // The answer that comes too late is not that of the next call.
  wire_.replies = {
      R"({"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"old"}]}})",
      R"({"jsonrpc":"2.0","id":3,"result":{"content":[{"type":"text","text":"new"}]}})"};
  EXPECT_EQ(call([] { return false; }).text, "new");
}

TEST_F(McpClientTest, AFailedNoticeHidesNoReason) {
  wire_.cannot_cancel = true;
  EXPECT_EQ(error_of([&] { call([] { return true; }); }), "was stopped by the user");
}

TEST_F(McpClientTest, BadLinesAreThoseOfOneRequest) {
  wire_.replies = {"log", R"({"jsonrpc":"2.0","id":1,"error":null,"result":{"content":[]}})"};
  EXPECT_EQ(call([] { return false; }).text, "(the tool has nothing to say)");
  EXPECT_EQ(error_of([&] { call([] { return false; }); }),
            "did not answer tools/call within 0.05 s");
}

TEST_F(McpClientTest, LargeWholeNumbersStayAsTheyAre) {
  wire_.replies = {R"({"jsonrpc":"2.0","id":1,"result":{"structuredContent":)"
                   R"([123456789012345678901234567890]}})"};
  const json arguments = parse_ordered_json(R"({"n":-98765432109876543210})", "a test");
  EXPECT_EQ(client_.call_tool("f", arguments, [] { return false; }).text,
            "[123456789012345678901234567890]");
  EXPECT_EQ(wire_.sent[0], R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":)"
                           R"({"name":"f","arguments":{"n":-98765432109876543210}}})");
}

TEST_F(McpClientTest, TheListOfToolsEndsAtTheMost) {
  for (int page = 1; page <= 10; ++page) {
    std::string tools;
    for (int i = 0; i < 100; ++i)
      tools += fmt::format(R"({}{{"name":"t{}"}})", i == 0 ? "" : ",", 100 * page + i);
    wire_.replies.push_back(
        fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{{"tools":[{}],"nextCursor":"{}"}}}})",
                    page, tools, page));
  }
  std::int64_t n_left_out = 0;
  McpClient patient{std::make_unique<ScriptedTransport>(wire_),
                    60};  // pages are read, on any machine
  EXPECT_EQ(patient.list_tools(n_left_out, [] { return false; }).size(), kMaxMcpTools);
  EXPECT_GE(n_left_out, 88);
  EXPECT_EQ(wire_.sent.size(), 6u);
}

// Each page comes after 20 ms, so that every request of its own would be in time.
TEST_F(McpClientTest, TheListOfToolsHasOneDeadline) {
  for (int page = 1; page <= 100; ++page) {
    wire_.replies.push_back(fmt::format(
        R"({{"jsonrpc":"2.0","id":{0},"result":{{"tools":[],"nextCursor":"{0}"}}}})", page));
  }
  wire_.reply_ms = 20;
  std::int64_t n_left_out = 0;
  EXPECT_EQ(error_of([&] { client_.list_tools(n_left_out, [] { return false; }); }),
            "did not answer tools/list within 0.05 s");
}

TEST_F(McpClientTest, EveryShapeOfAResult) {
  const auto told = [&](const std::string& result) {
    static int id = 0;
    wire_.replies = {R"({"jsonrpc":"2.0","id":)" + std::to_string(++id) + R"(,"result":)" + result +
                     "}"};
    const ToolResult told = call([] { return false; });
    return (told.is_error ? "error: " : "") + told.text;
  };
  EXPECT_EQ(told(R"({"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]})"), "a\nb");
  EXPECT_EQ(told(R"({"content":[{"type":"text","text":"a"}],"isError":true})"), "error: a");
  EXPECT_EQ(told(R"({"content":[],"structuredContent":{"n":1}})"), R"({"n":1})");
  EXPECT_EQ(told(R"({"content":[{"type":"resource_link","uri":"file:///a"}]})"),
            "[resource file:///a]");
  EXPECT_EQ(told(R"({"content":7,"isError":"yes"})"), "(the tool has nothing to say)");
  EXPECT_EQ(told("null"), "(the tool has nothing to say)");
}

}  // namespace
}  // namespace tinyllm
