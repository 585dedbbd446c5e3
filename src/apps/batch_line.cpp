#include "apps/batch_line.h"

#include <nlohmann/json.hpp>

#include "base/json_parse.h"
#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/field_value.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

const json& text_member(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) refuse_field(name, "missing", "a string");
  if (!found->is_string()) refuse_value(name, *found, "a string");
  return *found;
}

}  // namespace

json result_line(const BatchLine& line, json response, json error) {
  return {{"id", line.id()},
          {"custom_id", line.custom_id.empty() ? json(nullptr) : json(line.custom_id)},
          {"response", std::move(response)},
          {"error", std::move(error)}};
}

json error_line(const BatchLine& line, const std::exception& fault) {
  const ErrorAnswer answer = describe_error(fault);
  json body = json::parse(answer.body);
  const json& error = body["error"];
  json shown = {{"code", error["code"].is_null() ? error["type"] : error["code"]},
                {"message", fmt::format("line {}: {}", line.number, fault.what())},
                {"line", line.number},
                {"param", error["param"]}};
  json response = {{"status_code", answer.status}, {"request_id", line.id()}, {"body", body}};
  return result_line(line, std::move(response), std::move(shown));
}

void parse_batch_line(std::string_view text, BatchLine& line) {
  const json object = parse_ordered_json(text, "the line");
  if (!object.is_object()) refuse_value("the line", object, "an object");
  const auto custom_id = text_member(object, "custom_id").get<std::string>();
  if (custom_id.empty()) refuse_field("custom_id", "empty", "a string of at least one character");
  line.custom_id = custom_id;
  const auto url = text_member(object, "url").get<std::string>();
  if (object.contains("method") && object["method"] != "POST")
    refuse_value("method", object["method"], "'POST'");
  if (url != "/v1/chat/completions" && url != "/v1/completions")
    refuse_value("url", object["url"], "'/v1/chat/completions' or '/v1/completions'");
  const auto body = object.find("body");
  if (body == object.end() || !body->is_object())
    refuse_field("body", body == object.end() ? "missing" : describe_value(*body), "an object");
  const ApiKind kind = url == "/v1/completions" ? ApiKind::completion : ApiKind::chat;
  line.request = read_api_request(kind, *body);
  if (line.request.stream) refuse_field("stream", "true", "false: a batch answers whole");
}

}  // namespace tinyllm
