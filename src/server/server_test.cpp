// The whole server when its engine dies: what runs gets an error frame, everything else 503, and
// wait() returns, so that the process can end.

#include "server/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "engine/failing_engine_test.h"

namespace tinyllm {
namespace {

// Sends a request and reads until the server closes.
std::string ask(std::uint16_t port, const std::string& head, const std::string& body = "") {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const timeval limit{20, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const std::string request = head +
                              " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: "
                              "application/json\r\nContent-Length: " +
                              std::to_string(body.size()) + "\r\n\r\n" + body;
  EXPECT_EQ(::send(fd, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::recv(fd, buffer, sizeof(buffer), 0)) > 0;) answer.append(buffer, n);
  ::close(fd);
  return answer;
}

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
