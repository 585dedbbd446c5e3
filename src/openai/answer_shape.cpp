#include "openai/answer_shape.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/check.h"
#include "client/grammar_cache.h"
#include "openai/api_error.h"
#include "openai/call_schemas.h"
#include "openai/tool_prompt.h"
#include "tool_call/answer_format.h"

namespace tinyllm {
namespace {

constexpr const char* kToolsField = "tools";

bool is_special(std::string_view terminal, const ServedModel& model) {
  const Tokenizer& tokenizer = model.tokenizer();
  const auto id = tokenizer.find_added(terminal);
  return id && tokenizer.is_special(*id);
}

std::shared_ptr<const TextConstraint> compile(const std::string& field, const GrammarSource& source,
                                              const ServedModel& model) {
  CHECK(model.grammars != nullptr, "a served model without a cache of grammars");
  try {
    return model.grammars->get(source);
  } catch (const GrammarRefusal& refusal) {
    const bool is_malformed = refusal.code() == ErrorCode::invalid_input;
    ApiError error(400, is_malformed ? "invalid_grammar" : "unsupported_grammar", field,
                   field + ": " + refusal.what());
    error.keyword = refusal.keyword();
    error.pointer = refusal.pointer();
    throw error;
  }
}

class ShapeMaker {
 public:
  ShapeMaker(ApiRequest& request, const ServedModel& model, bool is_thinking)
      : request_(request), model_(model), is_thinking_(is_thinking) {}

  AnswerShape make() {
    name_unknown_wishes();
    AnswerShape shape = make_without_limit();
    if (is_conversation(request_.kind))
      shape.thinking = thinking_limit(shape.constraint != nullptr);
    return shape;
  }

 private:
  // What the model's template does not know.
  void name_unknown_wishes() {
    if (request_.kind == ApiKind::messages && request_.enable_thinking == true &&
        !template_knows_thinking(model_))
      ignore("thinking");
    if (!request_.reasoning_effort.empty() && !template_knows_effort(model_))
      ignore(request_.kind == ApiKind::responses ? "reasoning.effort" : "reasoning_effort");
  }

  AnswerShape make_without_limit() {
    if (!is_conversation(request_.kind)) return {grammar_of(request_.grammar), nullptr, {}};
    // A call that is forced is the whole answer: what else its text would look like plays no part.
    if (forces_calls(request_)) return forced_calls();
    if (request_.grammar) return request_.tools ? grammar_or_calls() : grammar_only();
    return free_text();
  }

  AnswerShape forced_calls() {
    GrammarSource source = tinyllm::forced_calls(request_);
    source.thinking = thinking();
    return {compile(kToolsField, source, model_),
            format_of(find_tool_format("hermes"), read_reasoning(), CallReading::any),
            {}};
  }

  AnswerShape grammar_only() {
    const ReasoningFormat* reasoning = read_reasoning();
    return {grammar_of(request_.grammar),
            reasoning == nullptr ? nullptr : format_of(nullptr, reasoning, CallReading::none),
            {}};
  }

  AnswerShape grammar_or_calls() {
    const ToolFormat* format = held_format();
    if (format == nullptr) {
      const std::string& field = request_.grammar->field;
      throw ApiError(400, "invalid_value", field,
                     fmt::format("{} and tools cannot both be given to this model: the form of its "
                                 "calls cannot be part of a grammar",
                                 field));
    }
    AskedGrammar asked = *request_.grammar;
    asked.source.or_structures = begun_calls_tag(request_, *format);
    return {grammar_of(asked), format_of(format, read_reasoning(), CallReading::marked), {}};
  }

  AnswerShape free_text() {
    const ToolFormat* tools = request_.tools ? tool_format() : model_.tool_format;
    const bool tells_channels = tools != nullptr && tools->has_reasoning;
    AnswerShape shape;
    if (request_.tools) shape.constraint = held_calls();
    // What only looks like a call has followed no schema: with a strict function it is text.
    const bool is_strict = shape.constraint != nullptr && request_.wants_strict_tools;
    const CallReading called = is_strict ? CallReading::marked : CallReading::any;
    if (request_.tools || tells_channels || model_.reasoning_format != nullptr)
      shape.format =
          format_of(tools, model_.reasoning_format, request_.tools ? called : CallReading::none);
    return shape;
  }

  // Free text, and calls that follow the schemas; nullptr where nothing can hold them.
  std::shared_ptr<const TextConstraint> held_calls() {
    const ToolFormat* format = held_format();
    if (format == nullptr) {
      if (request_.wants_strict_tools) ignore("tools.function.strict");
      return nullptr;
    }
    GrammarSource source{GrammarKind::structural_tag, begun_calls_tag(request_, *format)};
    source.thinking = thinking();
    try {
      return compile(kToolsField, source, model_);
    } catch (const ApiError&) {
      if (request_.wants_strict_tools) throw;
      ignore("tools.function.parameters");
      return nullptr;
    }
  }

  // What the request asks for, else the server's; a model that does not think needs none.
  std::optional<ThinkingLimit> thinking_limit(bool is_constrained) {
    const std::int64_t most = request_.thinking_tokens.value_or(model_.limits.thinking_tokens);
    if (most < 0) return std::nullopt;
    const ReasoningFormat* reasoning = model_.reasoning_format;
    if (reasoning == nullptr) {
      if (request_.thinking_tokens)
        ignore(request_.kind == ApiKind::messages ? "thinking.budget_tokens"
                                                  : "thinking_token_budget");
      return std::nullopt;
    }
    if (is_constrained && !thinking())
      return std::nullopt;  // the text does not begin with thoughts
    const auto marks_of = [&](const std::vector<std::string_view>& texts) {
      std::vector<ThinkingMark> marks;
      for (const std::string_view text : texts)
        marks.push_back({std::string(text), is_special(text, model_)});
      return marks;
    };
    return ThinkingLimit{
        .max_tokens = most,
        .begins = marks_of(reasoning->begins),
        .ends = marks_of(reasoning->ends),
        .end_ids = model_.tokenizer().encode(reasoning->ends.front(), {.add_special = false}),
        .has_begun = is_thinking_};
  }

  void ignore(const char* field) { request_.unknown_fields.emplace_back(field); }

  std::shared_ptr<const TextConstraint> grammar_of(const std::optional<AskedGrammar>& asked) {
    if (!asked) return nullptr;
    GrammarSource source = asked->source;
    if (is_conversation(request_.kind)) source.thinking = thinking();
    return compile(asked->field, source, model_);
  }

  // The format of requests with tools.
  const ToolFormat* tool_format() const {
    const bool is_own = model_.tool_format != nullptr && template_knows_tools(model_);
    return is_own ? model_.tool_format : find_tool_format("hermes");
  }

  // The format whose calls a grammar can hold to their schemas; nullptr: it cannot.
  const ToolFormat* held_format() const {
    const ToolFormat* format = tool_format();
    if (format->trigger.empty() || is_special(format->trigger, model_)) return nullptr;
    const bool would_bind_thoughts =
        model_.reasoning_format != nullptr && reasoning_beside_grammar() == nullptr;
    return would_bind_thoughts ? nullptr : format;
  }

  // The model's reasoning where a grammar can tell it from the answer: its marks are ordinary text.
  const ReasoningFormat* reasoning_beside_grammar() const {
    const ReasoningFormat* reasoning = model_.reasoning_format;
    if (reasoning == nullptr) return nullptr;
    const auto is_mark = [&](std::string_view text) { return is_special(text, model_); };
    const bool is_text = std::ranges::none_of(reasoning->begins, is_mark) &&
                         std::ranges::none_of(reasoning->ends, is_mark);
    return is_text ? reasoning : nullptr;
  }

  // What is read beside a grammar: reasoning only where the grammar lets the model think.
  const ReasoningFormat* read_reasoning() const {
    return thinking() ? reasoning_beside_grammar() : nullptr;
  }

  std::optional<GrammarThinking> thinking() const {
    const ReasoningFormat* reasoning = reasoning_beside_grammar();
    if (reasoning == nullptr) return std::nullopt;
    const bool may_begin =
        request_.enable_thinking.value_or(true) && !request_.continue_final_message;
    if (!is_thinking_ && !may_begin) return std::nullopt;
    return GrammarThinking{.begins = {reasoning->begins.begin(), reasoning->begins.end()},
                           .ends = {reasoning->ends.begin(), reasoning->ends.end()},
                           .has_begun = is_thinking_};
  }

  std::shared_ptr<const AnswerFormat> format_of(const ToolFormat* tools,
                                                const ReasoningFormat* reasoning,
                                                CallReading reading) const {
    return make_answer_format(tools, reasoning, reading,
                              [&](std::string_view text) { return is_special(text, model_); });
  }

  ApiRequest& request_;
  const ServedModel& model_;
  bool is_thinking_;
};

}  // namespace

AnswerShape answer_shape(ApiRequest& request, const ServedModel& model, bool is_thinking) {
  return ShapeMaker(request, model, is_thinking).make();
}

}  // namespace tinyllm
