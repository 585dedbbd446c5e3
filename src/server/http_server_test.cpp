#include "server/http_server.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "server/ask_test.h"

namespace tinyllm {
namespace {

// Work that fails after the handler has returned must not leave its client waiting.
TEST(HttpServer, AnAnswerThatBreaksOffEnds) {
  int n_gone = 0;
  const auto handle = [&](const std::shared_ptr<HttpExchange>& exchange) {
    const std::string& path = exchange->request().path;
    exchange->on_gone([&] { ++n_gone; });
    if (path == "/stream") exchange->begin_stream("text/event-stream", ": ping\n\n");
    exchange->post([exchange, path] {
      if (path == "/stream") exchange->write("data: 1\n\n");
      if (path == "/done") exchange->send({.body = "{}"});
      throw std::runtime_error("inner words");
    });
  };
  HttpServerOptions options;
  options.port = 0;
  HttpServer server(options, {.admit = [](const auto&) { return true; }, .handle = handle});
  server.start();
  const std::string whole = ask(server.port(), "POST /whole");
  EXPECT_TRUE(whole.starts_with("HTTP/1.1 500 ")) << whole;
  EXPECT_EQ(whole.find("inner words"), std::string::npos) << whole;
  EXPECT_TRUE(ask(server.port(), "POST /stream").starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(ask(server.port(), "POST /done").starts_with("HTTP/1.1 200 "));
  server.stop();
  EXPECT_EQ(n_gone, 1) << "the stream's";
}

}  // namespace
}  // namespace tinyllm
