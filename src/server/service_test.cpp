#include "server/service.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/tiny_engine_test.h"

namespace tinyllm {
namespace {

// An exchange that runs everything at once and keeps the answer.
class FakeExchange : public HttpExchange {
 public:
  FakeExchange(std::string method, std::string path, std::string body = "") {
    request_.method = std::move(method);
    request_.path = std::move(path);
    request_.body = std::move(body);
    request_.headers.emplace_back("content-type", "application/json");
  }
  const HttpRequest& request() const override { return request_; }
  void add_header(std::string name, std::string value) override {
    headers.emplace_back(std::move(name), std::move(value));
  }
  void send(HttpResponse response) override { answer = std::move(response); }
  void begin_stream(std::string, std::string) override {}
  void write(std::string) override {}
  void end() override {}
  void on_gone(std::function<void()>) override {}
  bool has_unsent() const override { return false; }
  void post(std::function<void()> work) override { work(); }
  void post_after(std::chrono::milliseconds, std::function<void()>) override {}

  HttpResponse answer{.status = 0};
  HttpHeaders headers;

 private:
  HttpRequest request_;
};

HttpResponse ask(Service& service, const char* method, const char* path) {
  const auto exchange = std::make_shared<FakeExchange>(method, path, R"({"prompt": "a"})");
  service.handle(exchange);
  return exchange->answer;
}

TEST(Service, Answers503WhileTheModelLoadsAndWhileDraining) {
  const std::unique_ptr<Engine> engine = open("qwen2-bf16-tied", small_options());
  Service service({});
  for (const char* path : {"/v1/chat/completions", "/v1/completions", "/tokenize"})
    EXPECT_EQ(ask(service, "POST", path).status, 503) << path;
  for (const char* path : {"/health", "/v1/health", "/v1/models"}) {
    const HttpResponse response = ask(service, "GET", path);
    EXPECT_EQ(response.status, 503) << path;
    const auto error = nlohmann::json::parse(response.body)["error"];
    EXPECT_EQ(error["message"], "the model is still loading");
    EXPECT_EQ(error["code"], "loading");
  }
  EXPECT_EQ(ask(service, "GET", "/version").status, 200);
  EXPECT_EQ(ask(service, "GET", "/metrics").status, 200);

  service.set_model({.engine = engine.get(), .names = {"tiny"}});
  EXPECT_EQ(ask(service, "GET", "/health").status, 200);
  EXPECT_EQ(nlohmann::json::parse(ask(service, "GET", "/v1/models").body)["data"][0]["id"], "tiny");

  service.drain();
  EXPECT_EQ(ask(service, "GET", "/health").status, 503);
}

}  // namespace
}  // namespace tinyllm
