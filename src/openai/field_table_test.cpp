#include "openai/field_table.h"

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "openai/api_error.h"

namespace tinyllm {
namespace {

// "param: message" of what is refused; "" when the body is taken.
std::string refusal(ApiKind kind, std::string_view body) {
  try {
    parse_api_request(kind, body);
    return "";
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status, 400);
    return error.param + ": " + error.what();
  }
}

TEST(FieldTable, EveryFieldHasAHelpAndAReadableDefault) {
  for (const ApiKind kind :
       {ApiKind::chat, ApiKind::completion, ApiKind::responses, ApiKind::messages,
        ApiKind::count_tokens, ApiKind::embeddings, ApiKind::rerank, ApiKind::score,
        ApiKind::tokenize, ApiKind::detokenize, ApiKind::apply_template}) {
    std::set<std::string_view> names;
    for (const Field* field : fields_of(kind)) {
      EXPECT_TRUE(names.insert(field->name).second) << field->name << " stands twice";
      EXPECT_THAT(field->help, testing::EndsWith(".")) << field->name;
      if (!field->fallback.empty()) {
        EXPECT_TRUE(nlohmann::json::accept(field->fallback)) << field->name;
      }
      if (!field->schema.empty()) {
        EXPECT_TRUE(nlohmann::json::accept(field->schema)) << field->name;
      }
      if (field->kind == FieldKind::integer || field->kind == FieldKind::number) {
        EXPECT_LT(field->low, field->high) << field->name;
      }
    }
  }
}

TEST(FieldTable, ReadsAWholeChatRequest) {
  const ApiRequest request = parse_api_request(ApiKind::chat, R"({
    "model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "a"},
    {"type": "text", "text": "b"}], "name": "n"}], "temperature": 0.5, "top_p": 0.25, "top_k": 7,
    "min_p": 0.125, "seed": -3, "presence_penalty": 1, "frequency_penalty": -1,
    "repetition_penalty": 1.5, "logit_bias": {"5": -100}, "stop": "x", "stop_token_ids": [9],
    "ignore_eos": true, "min_tokens": 2, "max_tokens": 50, "max_completion_tokens": 40, "n": 3,
    "stream": true, "stream_options": {"include_usage": true}, "logprobs": true,
    "top_logprobs": 4, "priority": -2, "cache_salt": "salt", "return_token_ids": true,
    "skip_special_tokens": false, "truncate_prompt_tokens": 99, "add_generation_prompt": false,
    "continue_final_message": true, "chat_template_kwargs": {"enable_thinking": false}})");
  EXPECT_EQ(request.model, "m");
  EXPECT_EQ(request.messages->dump(), R"([{"role":"user","content":"a\nb","name":"n"}])");
  EXPECT_EQ(request.variables->dump(), R"({"enable_thinking":false})");
  EXPECT_EQ(request.asked.temperature, 0.5f);
  EXPECT_EQ(request.asked.top_p, 0.25f);
  EXPECT_EQ(request.asked.top_k, 7);
  EXPECT_EQ(request.asked.min_p, 0.125f);
  EXPECT_EQ(request.seed, -3);
  EXPECT_EQ(request.params.presence_penalty, 1.0f);
  EXPECT_EQ(request.params.frequency_penalty, -1.0f);
  EXPECT_EQ(request.asked.repetition_penalty, 1.5f);
  EXPECT_THAT(request.params.logit_bias, testing::ElementsAre(testing::Pair(5, -100.0f)));
  EXPECT_THAT(request.params.stop, testing::ElementsAre("x"));
  EXPECT_THAT(request.params.stop_token_ids, testing::ElementsAre(9));
  EXPECT_TRUE(request.params.ignore_eos);
  EXPECT_EQ(request.params.min_tokens, 2);
  EXPECT_EQ(request.max_tokens, 40);
  EXPECT_EQ(request.n, 3);
  EXPECT_TRUE(request.stream && request.include_usage && !request.continuous_usage);
  EXPECT_EQ(request.params.n_logprobs, 4);
  EXPECT_EQ(request.priority, -2);
  EXPECT_EQ(request.cache_salt, "salt");
  EXPECT_TRUE(request.return_token_ids && !request.skip_special_tokens);
  EXPECT_EQ(request.truncate_prompt_tokens, 99);
  EXPECT_TRUE(!request.add_generation_prompt && request.continue_final_message);
}

TEST(FieldTable, ReadsEveryShapeOfPrompt) {
  const auto shape = [](std::string_view prompt) {
    const ApiRequest request = parse_api_request(
        ApiKind::completion, std::string(R"({"prompt": )") + std::string(prompt) + "}");
    std::string text;
    for (const Prompt& it : request.prompts) {
      text += '(';
      for (const PromptPart& part : it)
        text += part.is_text ? part.text : fmt::format("<{}>", fmt::join(part.ids, ","));
      text += ')';
    }
    return text;
  };
  EXPECT_EQ(shape(R"("ab")"), "(ab)");
  EXPECT_EQ(shape(R"([1, 2])"), "(<1,2>)");
  EXPECT_EQ(shape(R"(["a", "b"])"), "(a)(b)");
  EXPECT_EQ(shape(R"([[1], [2, 3]])"), "(<1>)(<2,3>)");
  EXPECT_EQ(shape(R"(["a", [2, "b", 3, 4]])"), "(a)(<2>b<3,4>)");
  EXPECT_EQ(shape(R"([1, "a", 2])"), "(<1>a<2>)");
}

TEST(FieldTable, WholeNumbersMayBeWrittenAsFloats) {
  EXPECT_EQ(refusal(ApiKind::completion, R"({"prompt": "a", "n": 2.0, "seed": 1e3})"), "");
  EXPECT_EQ(refusal(ApiKind::completion, R"({"prompt": "a", "n": 2.5})"),
            "n: n is 2.5, must be a whole number in [1, 128]");
  for (const char* seed : {"9223372036854775807", "-9223372036854775808"}) {
    const std::string body = fmt::format(R"({{"prompt": "a", "seed": {}}})", seed);
    EXPECT_EQ(refusal(ApiKind::completion, body), "");
    EXPECT_EQ(std::to_string(*parse_api_request(ApiKind::completion, body).seed), seed);
  }
  EXPECT_THAT(refusal(ApiKind::completion, R"({"prompt": "a", "seed": 9223372036854775808})"),
              testing::StartsWith("seed: seed is 9223372036854775808, must be a whole number"));
  EXPECT_THAT(refusal(ApiKind::completion, R"({"prompt": "a", "seed": 18446744073709551615})"),
              testing::StartsWith("seed: "));
  EXPECT_THAT(refusal(ApiKind::completion, R"({"prompt": "a", "priority": 9223372036854775807})"),
              testing::StartsWith("priority: "));
}

TEST(FieldTable, UnknownFieldsAreNamed) {
  std::string body = R"({"prompt": "a", "user": "me", "null": null, "line\nbreak, \u00e9": 1)";
  const ApiRequest request = parse_api_request(ApiKind::completion, body + "}");
  EXPECT_THAT(request.unknown_fields, testing::ElementsAre("user", "line?break????"));
  EXPECT_NO_THROW(check_unknown_fields(request, false));
  EXPECT_THROW(check_unknown_fields(request, true), ApiError);
  EXPECT_NO_THROW(
      check_unknown_fields(parse_api_request(ApiKind::completion, R"({"prompt": ""})"), true));
  for (int i = 0; i < 100; ++i) body += fmt::format(R"(, "x{}": 1)", i);
  EXPECT_EQ(parse_api_request(ApiKind::completion, body + "}").unknown_fields.size(), 16u);
}

TEST(FieldTable, SamplersOfOthersAreTakenOrRefused) {
  const auto taken = [](const char* field) {
    return refusal(ApiKind::completion, fmt::format(R"({{"prompt": "a", {}}})", field));
  };
  EXPECT_EQ(parse_api_request(ApiKind::completion, R"({"prompt": "a", "repeat_penalty": 1.5})")
                .asked.repetition_penalty,
            1.5f);
  for (const char* holds : {R"("typical_p": 1)", R"("mirostat": 0)", R"("tfs_z": 1.0)",
                            R"("xtc_probability": 0)", R"("samplers": null)"})
    EXPECT_EQ(taken(holds), "") << holds;
  for (const char* asks :
       {R"("typical_p": 0.5)", R"("mirostat": 2)", R"("tfs_z": 0.9)", R"("xtc_probability": 0.5)",
        R"("samplers": ["top_k"])", R"("n_predict": 5)", R"("repeat_last_n": 64)"})
    EXPECT_THAT(taken(asks), testing::HasSubstr("is not supported")) << asks;
}

std::string grammar_of(std::string_view field) {
  const ApiRequest request =
      parse_api_request(ApiKind::completion, fmt::format(R"({{"prompt": "x", {}}})", field));
  if (!request.grammar) return "none";
  const GrammarSource& source = request.grammar->source;
  return fmt::format("{} {} {}{}", request.grammar->field, static_cast<int>(source.kind),
                     source.text, fmt::join(source.choices, "|"));
}

TEST(FieldTable, EveryNameOfAGrammar) {
  EXPECT_EQ(grammar_of(R"("response_format": {"type": "text"}, "grammar": "")"), "none");
  EXPECT_EQ(grammar_of(R"("structured_outputs": {"json": null, "json_object": false})"), "none");
  EXPECT_EQ(grammar_of(R"("response_format": {"type": "json_object"})"), "response_format 1 ");
  EXPECT_EQ(grammar_of(R"("response_format": {"type": "json_object", "schema": null})"),
            "response_format 1 ");
  EXPECT_EQ(grammar_of(R"("response_format": {"type": "json_schema", "json_schema":
      {"name": "n", "strict": true, "schema": {"b": 1, "a": 12345678901234567890123}}})"),
            R"(response_format.json_schema.schema 0 {"b":1,"a":12345678901234567890123})");
  EXPECT_EQ(grammar_of(R"("structured_outputs": {"regex": "a+", "disable_fallback": true})"),
            "structured_outputs.regex 2 a+");
  EXPECT_EQ(grammar_of(R"("structured_outputs": {"choice": ["a", "b"]})"),
            "structured_outputs.choice 3 a|b");
  EXPECT_EQ(grammar_of(R"("structured_outputs": {"json_object": true})"),
            "structured_outputs.json_object 1 ");
  EXPECT_EQ(grammar_of(R"("structured_outputs": {"structural_tag": "{\"a\": 1}"})"),
            R"(structured_outputs.structural_tag 5 {"a": 1})");
  EXPECT_EQ(grammar_of(R"("guided_json": "{\"type\": \"null\"}")"),
            R"(guided_json 0 {"type": "null"})");
  EXPECT_EQ(grammar_of(R"("guided_choice": ["a"])"), "guided_choice 3 a");
  EXPECT_EQ(grammar_of(R"("grammar": "root ::= \"a\"")"), R"(grammar 4 root ::= "a")");
  EXPECT_EQ(grammar_of(R"("json_schema": {})"), "json_schema 0 {}");
}

TEST(FieldTable, GrammarsThatSayMoreThanIsEnforcedAreRefused) {
  const auto refused = [](std::string_view field) {
    return refusal(ApiKind::completion, fmt::format(R"({{"prompt": "x", {}}})", field));
  };
  EXPECT_EQ(refused(R"("guided_regex": "a", "structured_outputs": {"regex": "b"})"),
            "guided_regex: structured_outputs.regex and guided_regex cannot both be given: each "
            "says what the whole text must look like");
  EXPECT_THAT(refused(R"("structured_outputs": {"regex": "b", "json": {}})"),
              testing::HasSubstr("structured_outputs.regex and structured_outputs.json"));
  EXPECT_THAT(refused(R"("structured_outputs": {"regex": "b", "whitespace_pattern": " "})"),
              testing::HasSubstr("'whitespace_pattern' is not supported"));
  EXPECT_THAT(refused(R"("response_format": {"type": "json_schema"})"),
              testing::HasSubstr("response_format.json_schema is missing"));
  EXPECT_THAT(
      refused(R"("response_format": {"type": "json_schema", "json_schema": {"name": "n"}})"),
      testing::HasSubstr("response_format.json_schema.schema is missing"));
  EXPECT_THAT(refused(R"("response_format": {"type": "xml"})"),
              testing::HasSubstr("response_format.type is 'xml', must be 'text'"));
  EXPECT_THAT(refused(R"("response_format": {"type": "json_object", "strict": true})"),
              testing::HasSubstr("'strict' is not supported"));
  EXPECT_THAT(refused(R"("guided_choice": [])"), testing::HasSubstr("must be an array of 1 to"));
  EXPECT_THAT(refused(R"("guided_choice": [1])"),
              testing::HasSubstr("guided_choice[0] is 1, must be a string"));
  EXPECT_THAT(refused(R"("guided_json": 3)"), testing::HasSubstr("must be a JSON schema"));
}

TEST(FieldTable, WithoutLogprobsThereAreNone) {
  const auto n_logprobs = [](const char* fields) {
    return parse_api_request(ApiKind::chat, fmt::format(R"({{"messages": [{{"role": "user",)"
                                                        R"( "content": "x"}}], {}}})",
                                                        fields))
        .params.n_logprobs;
  };
  EXPECT_EQ(n_logprobs(R"("logprobs": false, "top_logprobs": 0)"), -1);
  EXPECT_EQ(n_logprobs(R"("top_logprobs": 0)"), -1);
  EXPECT_EQ(n_logprobs(R"("logprobs": true)"), 0);
  EXPECT_EQ(n_logprobs(R"("logprobs": true, "top_logprobs": 3)"), 3);
}

TEST(FieldTable, AnAssistantMayHaveSaidNothing) {
  for (const char* message :
       {R"({"role": "assistant"})", R"({"role": "assistant", "content": null})"}) {
    const auto request = parse_api_request(
        ApiKind::chat,
        fmt::format(R"({{"messages": [{{"role": "user", "content": "a"}}, {}]}})", message));
    EXPECT_EQ((*request.messages)[1]["content"], "") << message;
  }
  EXPECT_THAT(refusal(ApiKind::chat, R"({"messages": [{"role": "user", "content": null}]})"),
              testing::StartsWith("messages[0].content"));
}

TEST(FieldTable, ABodyHasSoManyValues) {
  std::string keys = R"({"prompt": "a")";
  for (int i = 0; i < 300'000; ++i) keys += fmt::format(R"(, "k{}": 1)", i);
  EXPECT_THAT(refusal(ApiKind::completion, keys + "}"), testing::HasSubstr("values and keys"));
  EXPECT_THAT(refusal(ApiKind::completion, R"({"prompt": "a", "stop_token_ids": [)" +
                                               std::string(2048, ' ').replace(0, 1, "1") + "]}"),
              testing::IsEmpty());
  std::string ids = "1";
  for (int i = 0; i < kMaxStopIds; ++i) ids += ",1";
  EXPECT_THAT(refusal(ApiKind::completion, R"({"prompt": "a", "stop_token_ids": [)" + ids + "]}"),
              testing::HasSubstr("at most 1024"));
}

TEST(FieldTable, TheLaterOfEqualKeysCounts) {
  EXPECT_EQ(parse_api_request(ApiKind::completion, R"({"prompt": "a", "n": 2, "n": 3})").n, 3);
}

}  // namespace
}  // namespace tinyllm
