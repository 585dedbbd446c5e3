#include "agent/mcp_client.h"

#include <gtest/gtest.h>

#include <deque>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

// What the client has sent, and what it is told in turn. An empty text: nothing comes.
struct Wire {
  std::vector<std::string> sent;
  std::deque<std::string> replies;
};

class ScriptedTransport final : public McpTransport {
 public:
  explicit ScriptedTransport(Wire& wire) : wire_(wire) {}
  bool is_open() const override { return true; }
  void set_revision(const std::string&) override {}
  void send(std::string_view message, bool) override { wire_.sent.emplace_back(message); }
  std::optional<std::string> receive(function_ref<bool()> may_wait) override {
    if (wire_.replies.empty()) {
      while (may_wait()) {
      }
      return std::nullopt;
    }
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
