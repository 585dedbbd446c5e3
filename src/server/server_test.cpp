// The whole server when its engine dies: what runs gets an error frame, everything else 503, and
// wait() returns, so that the process can end.

#include "server/server.h"

#include <gtest/gtest.h>

#include <thread>

#include "engine/failing_engine_test.h"
#include "server/ask_test.h"

namespace tinyllm {
namespace {

TEST(Server, ADeadEngineIsToldToEverybodyAndEndsTheServer) {
  HttpServerOptions http;
  http.port = 0;
  Server server(http, {});
  const std::unique_ptr<Engine> engine = open_failing(10);
  server.start();
  server.set_model({.engine = engine.get(), .names = {"tiny"}});
  const std::uint16_t port = server.port();
  EXPECT_TRUE(ask(port, "GET /health").starts_with("HTTP/1.1 200 "));

  std::string streamed;
  std::thread client([&] {
    streamed = ask(port, "POST /v1/completions",
                   R"({"prompt": "abc", "max_tokens": 200, "stream": true, "ignore_eos": true})");
  });
  std::thread others([&] {
    while (!engine->failed()) std::this_thread::yield();
    for (const char* path : {"/health", "/v1/models", "/metrics", "/version", "/", "/nothing"}) {
      const std::string answer = ask(port, std::string("GET ") + path);
      EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << path << ": " << answer;
      EXPECT_NE(answer.find("the engine has stopped"), std::string::npos) << answer;
    }
  });
  server.wait(std::chrono::hours(1));  // it does not wait for a signal, nor for texts
  client.join();
  others.join();
  server.stop();
  EXPECT_TRUE(streamed.starts_with("HTTP/1.1 200 ")) << streamed;
  const std::size_t error = streamed.find("data: {\"error\":{\"message\":\"the engine has stopped");
  EXPECT_NE(error, std::string::npos) << streamed;
  EXPECT_NE(streamed.find("data: [DONE]", error), std::string::npos) << streamed;
  EXPECT_EQ(streamed.find("bad_alloc"), std::string::npos) << "inner words stay inside";
  EXPECT_EQ(engine->failure(), "std::bad_alloc");
}

}  // namespace
}  // namespace tinyllm
