// Answers of OpenAI's /v1/responses: items of reasoning, message and function_call. A call is sent when
// it is whole: one that cannot be read to its end becomes text, and never was an item.

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/json_values.h"
#include "openai/answer_writer.h"
#include "openai/api_error.h"
#include "openai/message_reader.h"
#include "openai/response_store.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

class ResponsesWriter : public AnswerWriter {
 public:
  ResponsesWriter(const ApiAnswer& answer, ResponseStore& store, std::string owner)
      : answer_(answer), store_(store), owner_(std::move(owner)) {}

  std::string begin() override {
    state("response.created", "in_progress");
    state("response.in_progress", "in_progress");
    return std::exchange(events_, "");
  }

  std::string piece(AnswerChoice news) override {
    if (!news.reasoning.empty()) delta("reasoning", news.reasoning);
    if (!news.text.empty()) delta("message", news.text);
    return std::exchange(events_, "");
  }

  std::string end() override {
    close();
    for (const AnswerCall& call : whole_choice().calls) call_item(call);
    if (items_.empty()) {
      open("message");
      close();
    }
    keep();
    const char* status = final_status();
    state(std::string("response.") + status, status);
    return std::exchange(events_, "");
  }

  std::string failure(int status, std::string_view message) override {
    error_ = {{"code", status == 400 ? "invalid_prompt" : "server_error"},
              {"message", std::string(message)}};
    close();
    state("response.failed", "failed");
    return std::exchange(events_, "");
  }

  bool needs_whole() const override { return true; }

  std::string whole() override {
    const AnswerChoice& choice = whole_choice();
    if (!choice.reasoning.empty()) items_.push_back(text_item("reasoning", choice.reasoning));
    if (!choice.text.empty() || (choice.reasoning.empty() && choice.calls.empty()))
      items_.push_back(text_item("message", choice.text));
    for (const AnswerCall& call : choice.calls)
      items_.push_back(call_json(call, "completed", call.arguments));
    keep();
    return text_with_big_integers(response(final_status()));
  }

 private:
  const AnswerChoice& whole_choice() const { return answer_.text(0).whole; }

  const char* final_status() const {
    return whole_choice().finish_reason == FinishReason::length ? "incomplete" : "completed";
  }

  json response(const std::string& status) const {
    const bool is_cut = status == "incomplete";
    json document = {
        {"id", answer_.head().id},
        {"object", "response"},
        {"created_at", answer_.head().created},
        {"status", status},
        {"background", false},
        {"error", error_},
        {"incomplete_details", is_cut ? json{{"reason", "max_output_tokens"}} : json(nullptr)},
        {"instructions", nullptr},
        {"max_output_tokens", nullptr},
        {"metadata", json::object()},
        {"model", answer_.head().model},
        {"output", items_},
        {"parallel_tool_calls", answer_.request().parallel_tool_calls},
        {"previous_response_id", nullptr},
        {"reasoning", {{"effort", nullptr}, {"summary", nullptr}}},
        {"store", answer_.request().store},
        {"temperature", nullptr},
        {"text", {{"format", {{"type", "text"}}}}},
        {"tool_choice", "auto"},
        {"tools", json::array()},
        {"top_p", nullptr},
        {"truncation", "disabled"},
        {"usage", status == "in_progress" ? json(nullptr) : usage()}};
    const ApiRequest& request = answer_.request();
    if (request.asked.temperature) document["temperature"] = *request.asked.temperature;
    if (request.asked.top_p) document["top_p"] = *request.asked.top_p;
    if (request.repeated) document.update(*request.repeated);
    return document;
  }

  json usage() const {
    const AnswerUsage counts = answer_.usage();
    json output_details = {{"reasoning_tokens", 0}};
    output_details.update(draft_details(counts.drafts));
    return {{"input_tokens", counts.n_prompt},
            {"input_tokens_details", {{"cached_tokens", counts.n_cached}}},
            {"output_tokens", counts.n_generated},
            {"output_tokens_details", std::move(output_details)},
            {"total_tokens", counts.n_prompt + counts.n_generated}};
  }

  void event(const std::string& type, const json& more) {
    json document = {{"type", type}, {"sequence_number", n_events_++}};
    document.update(more);
    events_ += typed_event(document);
  }

  void state(const std::string& type, const char* status) {
    event(type, {{"response", response(status)}});
  }

  // Ids tell items of one answer apart, and answers.
  std::string item_id(const char* prefix) const {
    const std::string& id = answer_.head().id;
    return prefix + id.substr(id.find('_') + 1) + "_" + std::to_string(items_.size());
  }

  static json part_of(const std::string& kind, const std::string& text) {
    if (kind == "reasoning") return {{"type", "reasoning_text"}, {"text", text}};
    return {{"type", "output_text"},
            {"text", text},
            {"annotations", json::array()},
            {"logprobs", json::array()}};
  }

  json text_item(const std::string& kind, const std::string& text, bool is_open = false) const {
    const json content = is_open ? json::array() : json::array({part_of(kind, text)});
    if (kind == "reasoning") {
      return {{"id", item_id("rs_")},
              {"type", kind},
              {"summary", json::array()},
              {"content", content},
              {"status", is_open ? "in_progress" : "completed"}};
    }
    return {{"id", item_id("msg_")},
            {"type", kind},
            {"status", is_open ? "in_progress" : final_status()},
            {"role", "assistant"},
            {"content", content}};
  }

  json call_json(const AnswerCall& call, const char* status, const std::string& arguments) const {
    return {{"id", item_id("fc_")}, {"type", "function_call"}, {"status", status},
            {"call_id", call.id},   {"name", call.name},       {"arguments", arguments}};
  }

  // About the open item; or about the one part of its content.
  void item_event(const std::string& type, const json& more) {
    json all = {{"item_id", open_item_["id"]}, {"output_index", items_.size()}};
    all.update(more);
    event(type, all);
  }
  void part_event(const std::string& type, const json& more) {
    json all = {{"content_index", 0}};
    all.update(more);
    item_event(type, all);
  }

  void added(json item) {
    open_item_ = std::move(item);
    event("response.output_item.added", {{"output_index", items_.size()}, {"item", open_item_}});
  }

  void done(json item) {
    event("response.output_item.done", {{"output_index", items_.size()}, {"item", item}});
    items_.push_back(std::move(item));
  }

  void open(const std::string& kind) {
    open_kind_ = kind;
    open_text_.clear();
    added(text_item(kind, "", /*is_open=*/true));
    part_event("response.content_part.added", {{"part", part_of(kind, "")}});
  }

  void close() {
    if (open_kind_.empty()) return;
    const std::string kind = std::exchange(open_kind_, "");
    json text = {{"text", open_text_}};
    if (kind == "message") text["logprobs"] = json::array();
    part_event(name_of(kind) + ".done", text);
    part_event("response.content_part.done", {{"part", part_of(kind, open_text_)}});
    done(text_item(kind, open_text_));
  }

  static std::string name_of(const std::string& kind) {
    return kind == "reasoning" ? "response.reasoning_text" : "response.output_text";
  }

  void delta(const std::string& kind, const std::string& text) {
    if (open_kind_ != kind) {
      close();
      open(kind);
    }
    open_text_ += text;
    json more = {{"delta", text}};
    if (kind == "message") more["logprobs"] = json::array();
    part_event(name_of(kind) + ".delta", more);
  }

  void call_item(const AnswerCall& call) {
    added(call_json(call, "in_progress", ""));
    const std::string name = "response.function_call_arguments";
    item_event(name + ".delta", {{"delta", call.arguments}});
    item_event(name + ".done", {{"name", call.name}, {"arguments", call.arguments}});
    done(call_json(call, "completed", call.arguments));
  }

  // The conversation with this answer, for those that go on from it.
  void keep() const {
    const ApiRequest& request = answer_.request();
    if (!request.store) return;
    const AnswerChoice& choice = whole_choice();
    Conversation added;
    if (!choice.reasoning.empty()) added.add_reasoning(choice.reasoning);
    added.add_text("assistant", choice.text);
    std::size_t n_bytes_left = kMaxArgumentBytes;
    for (const AnswerCall& call : choice.calls) {
      added.add_call(
          call_of(call.id, call.name, read_arguments("arguments", call.arguments, n_bytes_left)));
    }
    json messages = json::array();
    const bool has_system = !request.system_text.empty();
    for (std::size_t i = has_system ? 1 : 0; i < request.messages->size(); ++i)
      messages.push_back((*request.messages)[i]);
    for (const json& message : added.messages()) messages.push_back(message);
    const std::size_t n_input = request.messages->size() - (has_system ? 1 : 0);
    store_.keep(owner_, answer_.head().id,
                {.messages = text_with_big_integers(messages),
                 .n_input = n_input,
                 .response = text_with_big_integers(response(final_status()))});
  }

  const ApiAnswer& answer_;
  ResponseStore& store_;
  std::string owner_;
  std::vector<json> items_;  // that are done
  json open_item_, error_;
  std::string open_kind_, open_text_;  // of an open item of text; "": none
  int n_events_ = 0;
  std::string events_;  // not yet taken
};

}  // namespace

std::unique_ptr<AnswerWriter> make_responses_writer(const ApiAnswer& answer, ResponseStore& store,
                                                    std::string owner) {
  return std::make_unique<ResponsesWriter>(answer, store, std::move(owner));
}

}  // namespace tinyllm
