#include "openai/answer_shape.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "client/grammar_cache.h"
#include "grammar/grammar_vocabulary.h"
#include "openai/api_error.h"
#include "openai/call_schemas.h"
#include "openai/tool_prompt.h"
#include "tool_call/answer_format.h"
#include "tool_call/held_calls.h"

namespace tinyllm {
namespace {

constexpr const char* kToolsField = "tools";

// Of a terminal that is a special token.
std::optional<TokenId> special_id(std::string_view terminal, const ServedModel& model) {
  const Tokenizer& tokenizer = model.tokenizer();
  const auto id = tokenizer.find_added(terminal);
  return id && tokenizer.is_special(*id) ? id : std::nullopt;
}

bool is_special(std::string_view terminal, const ServedModel& model) {
  return special_id(terminal, model).has_value();
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

  // In the model's own format; where that cannot hold the arguments as JSON, which needs no format.
  AnswerShape forced_calls() {
    const bool is_named = request_.tool_choice == ToolChoice::named;
    const bool is_one = is_named || !request_.parallel_tool_calls;
    const ToolFormat* format = tool_format();
    GrammarSource source{GrammarKind::added};
    source.added = held(is_one ? HeldCalls::Wanted::one : HeldCalls::Wanted::some);
    source.thinking = thinking(format);
    try {
      return {compile(kToolsField, source, model_),
              format_of(format, read_reasoning(format), CallReading::named),
              {}};
    } catch (const ApiError&) {
      format = find_tool_format("hermes");
      source = tinyllm::forced_calls(request_);
      source.thinking = thinking(format);
      return {compile(kToolsField, source, model_),
              format_of(format, read_reasoning(format), CallReading::any),
              {}};
    }
  }

  AnswerShape grammar_only() {
    const ReasoningFormat* reasoning = read_reasoning();
    return {grammar_of(request_.grammar),
            reasoning == nullptr ? nullptr : format_of(nullptr, reasoning, CallReading::none),
            {}};
  }

  AnswerShape grammar_or_calls() {
    AskedGrammar asked = *request_.grammar;
    grammar_of(asked);  // What it refuses is told by its own field; the rest is the tools'.
    asked.field = kToolsField;
    asked.source.or_added = held(HeldCalls::Wanted::some, CallReading::marked);
    return {grammar_of(asked),
            format_of(tool_format(), read_reasoning(tool_format()), CallReading::marked),
            {}};
  }

  AnswerShape free_text() {
    const ToolFormat* tools = request_.tools ? tool_format() : model_.tool_format;
    const bool tells_channels = tools != nullptr && tools->has_reasoning;
    AnswerShape shape;
    if (request_.tools) shape.constraint = held_calls();
    // What only looks like a call and has followed no schema is text with a strict function.
    const CallReading unheld = request_.wants_strict_tools ? CallReading::marked : CallReading::any;
    const bool holds_all = shape.constraint && held_in_text() == CallReading::named;
    const CallReading called = holds_all          ? CallReading::named
                               : shape.constraint ? unheld
                                                  : CallReading::any;
    if (request_.tools || tells_channels || model_.reasoning_format != nullptr)
      shape.format =
          format_of(tools, model_.reasoning_format, request_.tools ? called : CallReading::none);
    return shape;
  }

  // Free text, and calls that follow the schemas; nullptr where nothing can hold them.
  std::shared_ptr<const TextConstraint> held_calls() {
    GrammarSource source{GrammarKind::added};
    source.added = held(HeldCalls::Wanted::maybe, held_in_text());
    source.thinking = thinking(tool_format());
    try {
      return compile(kToolsField, source, model_);
    } catch (const ApiError&) {
      if (request_.wants_strict_tools) throw;
      ignore("tools.function.parameters");
      return nullptr;
    }
  }

  // Which calls are held inside free text. What may look like one anywhere in it would make masks of
  // a large vocabulary slow: each such beginning is a lexeme as wide as the text.
  CallReading held_in_text() const {
    const auto is_anywhere = [](const FormatEdge& edge) {
      return edge.step == CallStep::guess && !edge.at_start;
    };
    const bool has_any = std::ranges::any_of(tool_format()->states.front().edges, is_anywhere);
    return has_any ? CallReading::marked : CallReading::named;
  }

  AddedRules held(HeldCalls::Wanted wanted, CallReading reading = CallReading::named) const {
    const bool is_named = request_.tool_choice == ToolChoice::named;
    return tinyllm::held_calls(
        {.format = tool_format(),
         .tools = request_.tools,
         .only = is_named ? request_.named_tool : "",
         .wanted = wanted,
         .reading = reading},
        [&](std::string_view terminal) { return special_id(terminal, model_); });
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

  // What is read beside a grammar: reasoning only where the grammar lets the model think.
  const ReasoningFormat* read_reasoning(const ToolFormat* tools = nullptr) const {
    return thinking(tools) ? model_.reasoning_format : nullptr;
  }

  // What may stand before a grammar's text. Formats with channels tell it themselves.
  std::optional<GrammarThinking> thinking(const ToolFormat* tools = nullptr) const {
    const ReasoningFormat* reasoning = model_.reasoning_format;
    if (reasoning == nullptr || (tools != nullptr && tools->has_reasoning)) return std::nullopt;
    const bool may_begin =
        request_.enable_thinking.value_or(true) && !request_.continue_final_message;
    if (!is_thinking_ && !may_begin) return std::nullopt;
    const auto marks_of = [&](const std::vector<std::string_view>& texts) {
      std::vector<std::string> marks;
      for (const std::string_view text : texts) {
        const std::optional<TokenId> id = special_id(text, model_);
        marks.push_back(id ? special_token_bytes(*id) : std::string(text));
      }
      return marks;
    };
    return GrammarThinking{.begins = marks_of(reasoning->begins),
                           .ends = marks_of(reasoning->ends),
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
