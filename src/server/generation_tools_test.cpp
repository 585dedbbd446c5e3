// Answers in which tools run, through HTTP: beside each other, and when the server goes down meanwhile.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "engine/tiny_engine_test.h"
#include "openai/field_table.h"
#include "openai/served_model_test.h"
#include "server/ask_test.h"
#include "server/server.h"
#include "server/tool_rounds.h"

namespace tinyllm {
namespace {

// "fast" answers; "slow" says that it has begun and waits until it is stopped, on a server of its own.
ToolBox box_of_two(std::binary_semaphore& has_begun) {
  ToolBox box;
  box.add({.name = "fast",
           .description = "",
           .parameters = "{}",
           .call = [](const nlohmann::ordered_json&, function_ref<bool()>) {
             return ToolResult{"it is done"};
           }});
  box.add({.name = "slow",
           .description = "",
           .parameters = "{}",
           .call =
               [&has_begun](const nlohmann::ordered_json&, function_ref<bool()> interrupted) {
                 has_begun.release();
                 while (!interrupted()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
                 return ToolResult{"stopped", true};
               },
           .server = "elsewhere"});
  return box;
}

// A conversation that ends with a call, which runs before the model is asked.
std::string body(const std::string& tool, bool streams, const std::string& question = "a") {
  return R"({"max_tokens": 3, "tools": [{"type": "mcp"}], "stream": )" +
         std::string(streams ? "true" : "false") +
         R"(, "messages": [{"role": "user", "content": ")" + question +
         R"("}, {"role": "assistant", "tool_calls": [)"
         R"({"id": "c", "type": "function", "function": {"name": ")" +
         tool + R"(", "arguments": "{}"}}]}]})";
}

class GenerationTools : public testing::Test {
 protected:
  GenerationTools() {
    auto text = std::make_shared<ModelText>();
    text->tokenizer.emplace(tiny_spec());
    text->chat_template.emplace("{% for m in messages %}ab{% endfor %}",
                                nlohmann::ordered_json::object());
    engine_ = open("qwen2-bf16-tied", small_options(), text);
    HttpServerOptions http;
    http.port = 0;
    http.max_memory_bytes = 1 << 20;
    server_ = std::make_unique<Server>(http, ServiceOptions{});
    server_->start();
    server_->set_tools(std::make_unique<ServerTools>(box_, ServerTools::Names{"fast", "slow"}));
    server_->set_model(serve_for_test(*engine_));
  }
  ~GenerationTools() override { server_->stop(); }

  std::string chat(const std::string& tool, bool streams, const std::string& question = "a") {
    return ask(server_->port(), "POST /v1/chat/completions", body(tool, streams, question));
  }

  std::binary_semaphore has_begun_{0};
  const ToolBox box_ = box_of_two(has_begun_);
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Server> server_;
};

TEST_F(GenerationTools, RunBesideEachOther) {
  std::vector<std::thread> clients;
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back([this, i] {
      for (int turn = 0; turn < 4; ++turn) {
        const std::string answer = chat("fast", (i + turn) % 2 == 0);
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
        EXPECT_NE(answer.find("it is done"), std::string::npos) << answer;
      }
    });
  }
  for (std::thread& client : clients) client.join();
}

TEST_F(GenerationTools, AreStoppedWithTheServer) {
  std::thread client([this] { chat("slow", /*streams=*/true); });
  ASSERT_TRUE(has_begun_.try_acquire_for(std::chrono::seconds(20)));
  EXPECT_NE(chat("fast", /*streams=*/false).find("it is done"), std::string::npos);
  server_->stop();
  client.join();
}

// The conversation is there until the last message of the model, and so is its share of the memory.
TEST_F(GenerationTools, HoldTheirConversation) {
  const std::string large(700 << 10, 'a');
  std::thread client([&] { chat("slow", /*streams=*/true, large); });
  ASSERT_TRUE(has_begun_.try_acquire_for(std::chrono::seconds(20)));
  const std::string refused = chat("fast", /*streams=*/true, large);
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 503 ")) << refused.substr(0, 200);
  EXPECT_NE(chat("fast", /*streams=*/true).find("it is done"), std::string::npos);
  server_->stop();
  client.join();
}

// The client is told of by the service until the model's second message is asked for.
TEST_F(GenerationTools, FirstPromptKnowsItsClient) {
  ServerTools tools(box_, {"fast"});
  ApiRequest request = parse_api_request(ApiKind::chat, body("fast", /*streams=*/false));
  const auto has_left = std::make_shared<const std::atomic<bool>>(false);
  request.has_left = has_left;
  tools.offer(request);
  const ToolRounds rounds(tools, serve_for_test(*engine_), request, "", /*n_request_bytes=*/1000);
  EXPECT_EQ(rounds.n_bytes(), 1000U);
  const ApiRequest first = rounds.first_request();
  EXPECT_EQ(first.has_left, has_left);
  EXPECT_EQ(first.messages->size(), 3U);
  EXPECT_EQ(first.messages->back()["role"], "tool");
}

}  // namespace
}  // namespace tinyllm
