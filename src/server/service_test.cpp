#include "server/service.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <semaphore>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "engine/tiny_engine_test.h"
#include "server/http_budget.h"

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
  void drop_body() override { request_.body.clear(); }
  HttpCaller& caller() override { return caller_; }
  HttpBudget& budget() override { return budget_; }
  void keep(std::shared_ptr<void> something) override { kept.push_back(std::move(something)); }
  void add_header(std::string name, std::string value) override {
    headers.emplace_back(std::move(name), std::move(value));
  }
  void send(HttpResponse response) override {
    answer = std::move(response);
    answered.release();
  }
  void begin_stream(std::string, std::string) override {}
  void write(std::string) override {}
  void end() override {}
  void on_gone(std::function<void()> callback) override { gone = std::move(callback); }
  bool has_unsent() const override { return false; }
  void post(std::function<void()> work) override {
    if (!keeps_posted) return work();
    posted = std::move(work);
    has_posted.release();
  }
  void post_after(std::chrono::milliseconds, std::function<void()>) override {}

  void add_request_header(const char* name, const char* value) {
    request_.headers.emplace_back(name, value);
  }

  HttpResponse answer{.status = 0};
  HttpHeaders headers;
  std::binary_semaphore answered{0};  // the answer may come from a worker
  std::vector<std::shared_ptr<void>> kept;
  std::function<void()> gone, posted;
  bool keeps_posted = false;  // the test runs what is posted: it is the strand
  std::binary_semaphore has_posted{0};

 private:
  HttpRequest request_;
  HttpCaller caller_{.address = "192.0.2.7"};
  HttpBudget budget_{1 << 20};
};

HttpResponse ask(Service& service, const char* method, const char* path) {
  const auto exchange = std::make_shared<FakeExchange>(method, path, R"({"prompt": "a"})");
  if (service.admit(exchange)) service.handle(exchange);
  exchange->answered.acquire();
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

  EXPECT_EQ(ask(service, "GET", "/ready").status, 200);

  service.drain();
  for (const char* path : {"/health", "/ready"}) EXPECT_EQ(ask(service, "GET", path).status, 503);
  EXPECT_EQ(ask(service, "POST", "/tokenize").status, 503);
}

ServiceOptions with_keys(std::vector<ApiKey> keys) {
  ServiceOptions options;
  options.api_keys = std::move(keys);
  return options;
}

// Elsewhere the prompt of somebody else could be guessed, one token after the other.
TEST(Service, TellsWhereTextsDifferOnlyToWhoMadeThemAll) {
  const auto tells = [](const ServiceOptions& options, const char* key = "",
                        const char* header = "", const std::vector<ApiKey>& later_keys = {}) {
    Service service(options);
    if (!later_keys.empty()) service.set_api_keys(later_keys);
    const auto exchange = std::make_shared<FakeExchange>("GET", "/requests/x/why");
    if (*key != 0) exchange->add_request_header("x-api-key", key);
    if (*header != 0) exchange->add_request_header(header, "192.0.2.9");
    EXPECT_TRUE(service.admit(exchange));
    return service.tells_gap(*exchange);
  };
  EXPECT_TRUE(tells({}));
  for (const char* header : {"forwarded", "x-forwarded-for", "via"}) {
    EXPECT_FALSE(tells({}, "", header)) << header;
    EXPECT_FALSE(tells(with_keys({{"one", "Ann"}}), "one", header)) << header;
  }
  ServiceOptions open;
  open.cors_origins = {"https://example.org"};
  EXPECT_FALSE(tells(open));
  open = {};
  open.allowed_hosts = {"example.org"};
  EXPECT_FALSE(tells(open));
  open = {};
  open.host_names = HostNames::literal;
  EXPECT_FALSE(tells(open));
  open = {};
  open.trusted_proxies = {"192.0.2.1"};
  EXPECT_FALSE(tells(open));

  const ServiceOptions two = with_keys({{"one", "Ann"}, {"two", "Bob"}});
  EXPECT_TRUE(tells(with_keys({{"one", "Ann"}}), "one"));
  EXPECT_TRUE(tells(two, "one"));
  EXPECT_TRUE(tells(two, "new", "", {{"new", "Cy"}}));
  ServiceOptions shared = two;
  shared.shares_prefixes = true;
  EXPECT_FALSE(tells(shared, "one"));
  EXPECT_FALSE(tells(shared, "new", "", {{"new", "Cy"}}));  // others' prompts are still there
}

TEST(Service, TheOneKeyIsAPartOfTheSaltSinceAnotherMayTakeItsPlace) {
  Service service(with_keys({{"one", "Ann"}}));
  const auto salt_with = [&](const char* key) {
    const auto exchange = std::make_shared<FakeExchange>("POST", "/v1/completions");
    exchange->add_request_header("x-api-key", key);
    EXPECT_TRUE(service.admit(exchange));
    return exchange->caller().cache_salt;
  };
  const std::string before = salt_with("one");
  EXPECT_NE(before, "");
  service.set_api_keys({{"two", "Bob"}});
  EXPECT_NE(salt_with("two"), "");
  EXPECT_NE(salt_with("two"), before);
}

TEST(Service, WhatTheHeaderRefusesNeedsNoBody) {
  ServiceOptions options;
  options.api_keys = {{"secret", "Ann"}};
  Service service(options);
  const auto admitted = [&](const char* method, const char* path, const char* key) {
    const auto exchange = std::make_shared<FakeExchange>(method, path);
    exchange->add_request_header("x-api-key", key);
    return service.admit(exchange) ? 0 : exchange->answer.status;
  };
  EXPECT_EQ(admitted("POST", "/v1/completions", "secret"), 0);
  EXPECT_EQ(admitted("POST", "/v1/completions", "wrong"), 401);
  EXPECT_EQ(admitted("POST", "/nowhere", "secret"), 404);
  EXPECT_EQ(admitted("GET", "/v1/completions", "secret"), 405);
  EXPECT_EQ(admitted("GET", "/health", ""), 0);
  service.set_api_keys({{"new", "Bob"}});
  EXPECT_EQ(admitted("POST", "/v1/completions", "secret"), 401);
  EXPECT_EQ(admitted("POST", "/v1/completions", "new"), 0);
}

TEST(Service, APathOfAnotherServerIsNamedAndTheBaseUrlSaid) {
  Service service({});
  const auto message = [&](const char* path) {
    return nlohmann::json::parse(ask(service, "GET", path).body)["error"]["message"]
        .get<std::string>();
  };
  EXPECT_EQ(message("/v1/moderations"),
            "/v1/moderations is not here yet; the base URL of the API is http://HOST:PORT/v1, GET "
            "/openapi.json lists its paths");
  EXPECT_EQ(message("/chat/completions"),
            "there is no such path here, but /v1/chat/completions; the base URL of the API is "
            "http://HOST:PORT/v1");
  EXPECT_EQ(message("/v1/v1/models").substr(0, 44), "there is no such path here, but /v1/models; ");
}

std::filesystem::path small_encoder() {
  return std::filesystem::path(TINYLLM_SOURCE_DIR) / "tests/golden/data/encoder/mean";
}

TEST(Service, EmbeddingsTakeNoPlaceOfAnswers) {
  const std::unique_ptr<Engine> engine = open("qwen2-bf16-tied", small_options());
  ServiceOptions options;
  options.max_queue = 100;
  Service service(options);
  const ServedModel model = {.engine = engine.get(), .names = {"tiny"}};
  service.set_model(model);
  std::vector<std::shared_ptr<void>> places(102);
  for (auto& place : places) place = service.take_embedding_place();
  EXPECT_THROW(service.take_embedding_place(), std::exception);
  EXPECT_EQ(service.n_open(), 102);  // a server that drains waits for them
  const int n_texts = engine->limits().max_num_seqs + options.max_queue;
  EXPECT_NO_THROW(service.take_places(model, n_texts - 1));
  EXPECT_NO_THROW(service.check_room(model));
  service.give_back(n_texts - 1);
  places.clear();
  EXPECT_EQ(service.n_open(), 0);
}

// Both threads of embeddings are busy all the while.
TEST(Service, QueuedEmbeddingsGoWithTheirClient) {
  const Embedder embedder(small_encoder(), {.n_threads = 1});
  std::counting_semaphore<> may_end{0}, runs{0};
  Service service({});
  service.add_embedder({.embedder = &embedder, .names = {"mean"}});
  service.set_ready();
  const auto busy = std::make_shared<FakeExchange>("POST", "/v1/embeddings");
  for (int i = 0; i < 2; ++i) {
    service.compute_embeddings(busy, /*is_long=*/false, [&](const Service::HasLeft&) {
      runs.release();
      may_end.acquire();
      return Service::Answer([] {});
    });
    runs.acquire();
  }
  auto exchange = std::make_shared<FakeExchange>("POST", "/v1/embeddings", R"({"input": "a b"})");
  exchange->keeps_posted = true;
  service.handle(exchange);
  exchange->has_posted.acquire();
  std::exchange(exchange->posted, nullptr)();  // it is read, and queued
  EXPECT_EQ(exchange->request().body, "");
  EXPECT_EQ(service.n_open(), 1);
  exchange->kept.clear();
  std::exchange(exchange->gone, nullptr)();
  EXPECT_EQ(service.n_open(), 0);
  const std::weak_ptr<FakeExchange> left = exchange;
  exchange.reset();
  // The thread that read it lets go of it soon, and nobody else has it.
  const Stopwatch clock;
  while (!left.expired() && clock.seconds() < 20) std::this_thread::yield();
  EXPECT_TRUE(left.expired());
  may_end.release(2);
}

}  // namespace
}  // namespace tinyllm
