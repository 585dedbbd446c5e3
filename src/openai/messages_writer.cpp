// Answers of Anthropic's /v1/messages: blocks of thinking, text and tool_use. A call is sent when it is
// whole: one that cannot be read to its end becomes text, and never was a block.

#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_parse.h"
#include "base/json_values.h"
#include "openai/answer_writer.h"
#include "openai/api_error.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

class MessagesWriter : public AnswerWriter {
 public:
  explicit MessagesWriter(const ApiAnswer& answer) : answer_(answer) {}

  std::string begin() override {
    json message = head();
    message["content"] = json::array();
    message["stop_reason"] = nullptr;
    message["stop_sequence"] = nullptr;
    message["usage"] = usage();
    return typed_event({{"type", "message_start"}, {"message", std::move(message)}});
  }

  std::string piece(AnswerChoice news) override {
    if (!news.reasoning.empty()) delta("thinking", news.reasoning);
    if (!news.text.empty()) delta("text", news.text);
    return std::exchange(events_, "");
  }

  std::string end() override {
    close_block();
    for (const AnswerCall& call : whole_choice().calls) call_block(call);
    if (n_blocks_ == 0) open_block("text", {{"type", "text"}, {"text", ""}});
    close_block();
    json ending = {{"stop_reason", stop_reason()}, {"stop_sequence", stop_sequence()}};
    event({{"type", "message_delta"}, {"delta", std::move(ending)}, {"usage", usage()}});
    event({{"type", "message_stop"}});
    return std::exchange(events_, "");
  }

  std::string failure(int status, std::string_view message) override {
    return "event: error\ndata: " +
           describe_error(status, "", message, ErrorShape::anthropic).body + "\n\n";
  }

  bool needs_whole() const override { return true; }

  std::string whole() override {
    json message = head();
    json& content = message["content"] = json::array();
    const AnswerChoice& choice = whole_choice();
    if (!choice.reasoning.empty())
      content.push_back({{"type", "thinking"}, {"thinking", choice.reasoning}, {"signature", ""}});
    if (!choice.text.empty() || (choice.reasoning.empty() && choice.calls.empty()))
      content.push_back({{"type", "text"}, {"text", choice.text}});
    for (const AnswerCall& call : choice.calls) {
      content.push_back(
          {{"type", "tool_use"}, {"id", call.id}, {"name", call.name}, {"input", input_of(call)}});
    }
    message["stop_reason"] = stop_reason();
    message["stop_sequence"] = stop_sequence();
    message["usage"] = usage();
    return text_with_big_integers(message);
  }

 private:
  const AnswerChoice& whole_choice() const { return answer_.text(0).whole; }

  json head() const {
    return {{"id", answer_.head().id},
            {"type", "message"},
            {"role", "assistant"},
            {"model", answer_.head().model}};
  }

  // Anthropic counts what came from the cache apart from the rest of the prompt.
  json usage() const {
    const AnswerUsage counts = answer_.usage();
    return {{"input_tokens", counts.n_prompt - counts.n_cached},
            {"cache_creation_input_tokens", 0},
            {"cache_read_input_tokens", counts.n_cached},
            {"output_tokens", counts.n_generated}};
  }

  const char* stop_reason() const {
    const AnswerChoice& choice = whole_choice();
    if (choice.finish_reason == FinishReason::length) return "max_tokens";
    if (!choice.stop_string.empty()) return "stop_sequence";
    return choice.has_calls ? "tool_use" : "end_turn";
  }

  json stop_sequence() const {
    const std::string& text = whole_choice().stop_string;
    return text.empty() ? json(nullptr) : json(text);
  }

  // A model's arguments are an object, or the text that it wrote.
  static json input_of(const AnswerCall& call) {
    try {
      return parse_ordered_json(call.arguments, "arguments", {.max_depth = 64});
    } catch (const Error&) {
      return {{"arguments", call.arguments}};
    }
  }

  void event(const json& document) { events_ += typed_event(document); }

  // The next of a block of this kind, which is opened where another is.
  void delta(const std::string& kind, const std::string& text) {
    if (open_kind_ != kind) {
      close_block();
      json block = {{"type", kind}, {kind, ""}};
      if (kind == "thinking") block["signature"] = "";
      open_block(kind, std::move(block));
    }
    event({{"type", "content_block_delta"},
           {"index", n_blocks_ - 1},
           {"delta", {{"type", kind + "_delta"}, {kind, text}}}});
  }

  void open_block(const std::string& kind, json block) {
    open_kind_ = kind;
    event({{"type", "content_block_start"},
           {"index", n_blocks_++},
           {"content_block", std::move(block)}});
  }

  void close_block() {
    if (open_kind_.empty()) return;
    open_kind_.clear();
    event({{"type", "content_block_stop"}, {"index", n_blocks_ - 1}});
  }

  void call_block(const AnswerCall& call) {
    open_block(
        "tool_use",
        {{"type", "tool_use"}, {"id", call.id}, {"name", call.name}, {"input", json::object()}});
    event({{"type", "content_block_delta"},
           {"index", n_blocks_ - 1},
           {"delta",
            {{"type", "input_json_delta"},
             {"partial_json", text_with_big_integers(input_of(call))}}}});
    close_block();
  }

  const ApiAnswer& answer_;
  int n_blocks_ = 0;
  std::string open_kind_;  // of the block that is open; "": none
  std::string events_;     // not yet taken
};

}  // namespace

std::unique_ptr<AnswerWriter> make_messages_writer(const ApiAnswer& answer) {
  return std::make_unique<MessagesWriter>(answer);
}

}  // namespace tinyllm
