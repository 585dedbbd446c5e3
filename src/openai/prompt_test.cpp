// The API's prompts: the same ids for a conversation as `chat` has, whatever the tokenizer adds.

#include "openai/prompt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "client/chat_session.h"
#include "engine/tiny_engine_test.h"
#include "openai/api_error.h"
#include "openai/field_table.h"

namespace tinyllm {
namespace {

constexpr TokenId kBos = 64, kEos = 65, kEnd = 66;

// The tiny vocabulary with its last three tokens made special.
std::shared_ptr<const ModelText> text_that_adds(std::vector<TokenId> before,
                                                std::vector<TokenId> behind) {
  TokenizerSpec spec = tiny_spec();
  const auto make_special = [&](TokenId id, const char* text) {
    spec.tokens[id] = text;
    spec.added_tokens.push_back({id, text});
  };
  make_special(kBos, "<bos>");
  make_special(kEos, "<eos>");
  make_special(kEnd, "<end>");
  spec.prefix_ids = std::move(before);
  spec.suffix_ids = std::move(behind);
  auto text = std::make_shared<ModelText>();
  text->tokenizer.emplace(std::move(spec));
  text->chat_template.emplace("{% for m in messages %}{{ m.content }}<end>{% endfor %}",
                              nlohmann::ordered_json::object());
  return text;
}

// Remembers the prompt and says nothing.
class RememberingCompleter final : public Completer {
 public:
  std::int64_t context() const override { return 1000; }
  std::string about() const override { return ""; }
  Completion complete(const std::vector<TokenId>& ids, const SamplingParams&, bool,
                      const CompletionWatcher&) override {
    prompt_ids = ids;
    Completion nothing;
    nothing.finish_reason = FinishReason::stop;
    return nothing;
  }
  std::vector<TokenId> prompt_ids;
};

std::vector<TokenId> ids_of_chat(const ModelText& text, const std::string& message) {
  RememberingCompleter completer;
  ChatSession session(*text.tokenizer, *text.chat_template, completer, {}, true);
  session.answer(message, {[](std::string_view) {}, [](std::int64_t) {},
                           [](std::int64_t, std::int64_t) {}, [] { return false; }});
  return completer.prompt_ids;
}

std::vector<TokenId> ids_of_api(Engine& engine, ApiKind kind, const std::string& body) {
  const ServedModel model{.engine = &engine, .names = {"tiny"}};
  return encode_prompts(parse_api_request(kind, body), model).ids.front();
}

TEST(Prompt, AConversationHasTheSameIdsEverywhere) {
  using Ids = std::vector<TokenId>;
  for (const auto& [before, behind] :
       std::vector<std::pair<Ids, Ids>>{{{}, {}}, {{kBos}, {}}, {{}, {kEos}}, {{kBos}, {kEos}}}) {
    const auto text = text_that_adds(before, behind);
    const auto engine = open("qwen2-bf16-tied", small_options(), text);
    const std::string messages = R"("messages": [{"role": "user", "content": "ab"}])";
    const Ids want = {0, 1, kEnd};
    EXPECT_EQ(ids_of_chat(*text, "ab"), want);
    EXPECT_EQ(ids_of_api(*engine, ApiKind::chat, "{" + messages + "}"), want);
    EXPECT_EQ(ids_of_api(*engine, ApiKind::tokenize, "{" + messages + "}"), want);
    Ids more = before;
    more.insert(more.end(), want.begin(), want.end());
    more.insert(more.end(), behind.begin(), behind.end());
    for (const ApiKind kind : {ApiKind::chat, ApiKind::tokenize})
      EXPECT_EQ(ids_of_api(*engine, kind, R"({"add_special_tokens": true, )" + messages + "}"),
                more);
    // A text is another matter: there the tokenizer's own tokens are the rule.
    Ids of_text = before;
    of_text.insert(of_text.end(), {0, 1});
    of_text.insert(of_text.end(), behind.begin(), behind.end());
    EXPECT_EQ(ids_of_api(*engine, ApiKind::completion, R"({"prompt": "ab"})"), of_text);
    EXPECT_EQ(ids_of_api(*engine, ApiKind::tokenize, R"({"prompt": "ab"})"), of_text);
    EXPECT_EQ(ids_of_api(*engine, ApiKind::completion,
                         R"({"prompt": "ab", "add_special_tokens": false})"),
              (Ids{0, 1}));
  }
}

TEST(Prompt, OneThatDoesNotFitIsRefusedWithTheNumbers) {
  const auto engine = open("qwen2-bf16-tied", small_options(), text_that_adds({}, {}));
  const std::string body = R"({"prompt": ")" + std::string(256, 'a') + R"("})";
  try {
    ids_of_api(*engine, ApiKind::completion, body);
    FAIL() << "no error";
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status, 400);
    EXPECT_EQ(error.code, "context_length_exceeded");
    EXPECT_EQ(error.n_prompt_tokens, 256);
    EXPECT_EQ(error.n_context, 256);
    // litellm, and what stands on it, knows this refusal by its first words.
    EXPECT_THAT(error.what(),
                testing::StartsWith("this model's maximum context length is 256 tokens: the prompt "
                                    "has 256 tokens, the context holds 256 and one must"));
  }
}

}  // namespace
}  // namespace tinyllm
