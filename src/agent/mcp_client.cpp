#include "agent/mcp_client.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "base/json_parse.h"
#include "base/json_values.h"
#include "base/quote.h"
#include "base/version.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* kRevision = "2025-06-18";
constexpr int kMaxPages = 1000;
constexpr std::int64_t kMaxBadLines = 1000;
constexpr std::size_t kMaxDescriptionBytes = 4 << 10, kMaxSchemaBytes = 64 << 10;
constexpr int kMethodNotFound = -32601;

std::string message_text(const json& message) { return text_with_big_integers(message); }

// The text under a name; "" where there is none.
std::string text_at(const json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  if (!object.is_object() || found == object.end() || !found->is_string()) return "";
  return found->get<std::string>();
}

bool is_reply_to(const json& message, std::int64_t id) {
  return message.is_object() && message.contains("id") && message["id"] == id &&
         !message.contains("method");
}

std::optional<McpTool> read_tool(const json& entry) {
  McpTool tool;
  tool.name = text_at(entry, "name");
  if (tool.name.empty()) return std::nullopt;
  tool.description = text_at(entry, "description").substr(0, kMaxDescriptionBytes);
  tool.parameters = R"({"type": "object"})";
  if (entry.contains("inputSchema")) {
    if (!entry["inputSchema"].is_object()) return std::nullopt;
    tool.parameters = message_text(entry["inputSchema"]);
  }
  if (tool.parameters.size() > kMaxSchemaBytes) return std::nullopt;
  return tool;
}

std::string part_text(const json& part) {
  const std::string type = text_at(part, "type");
  if (type == "text") return text_at(part, "text");
  if (type == "resource" && part.contains("resource")) {
    const std::string text = text_at(part["resource"], "text");
    if (!text.empty()) return text;
    return "[resource " + text_at(part["resource"], "uri") + "]";
  }
  if (type == "resource_link") return "[resource " + text_at(part, "uri") + "]";
  return fmt::format("[{}, {}, which cannot be shown]", type.empty() ? "a part" : type,
                     text_at(part, "mimeType"));
}

ToolResult read_result(const json& result) {
  ToolResult told;
  told.is_error = result.is_object() && result.value("isError", json(false)) == true;
  if (result.is_object() && result.contains("content") && result["content"].is_array()) {
    for (const json& part : result["content"])
      told.text += (told.text.empty() ? "" : "\n") + part_text(part);
  }
  if (told.text.empty() && result.is_object() && result.contains("structuredContent"))
    told.text = message_text(result["structuredContent"]);
  if (told.text.empty()) told.text = "(the tool has nothing to say)";
  return told;
}

}  // namespace

McpClient::McpClient(std::unique_ptr<McpTransport> transport, double timeout_s)
    : transport_(std::move(transport)), timeout_s_(timeout_s) {}

McpClient::~McpClient() = default;

void McpClient::notify(const char* method) {
  transport_->send(message_text({{"jsonrpc", "2.0"}, {"method", method}}), /*wants_reply=*/false);
}

// Requests of the server: it may ask whether we live. We offer nothing else.
void McpClient::answer_server(const json& message) {
  if (!message.is_object() || !message.contains("id") || !message.contains("method")) return;
  json reply = {{"jsonrpc", "2.0"}, {"id", message["id"]}};
  if (message["method"] == "ping") {
    reply["result"] = json::object();
  } else {
    reply["error"] = {{"code", kMethodNotFound}, {"message", "this client does not offer that"}};
  }
  transport_->send(message_text(reply), /*wants_reply=*/false);
}

// Some servers write their log where the messages go: what is no JSON is passed over, within limits.
json McpClient::read_message(const std::string& text) {
  try {
    json message = parse_ordered_json(
        text, "a message of the server",
        {.max_bytes = kMaxMcpMessageBytes, .max_depth = 512, .max_values = 1 << 20});
    if (message.is_object()) return message;
  } catch (const Error&) {
    // Counted below.
  }
  if (n_bad_lines_++ == 0) bad_line_ = text.substr(0, 80);
  if (n_bad_lines_ > kMaxBadLines)
    fail(ErrorCode::invalid_input, "says {}, which is not the protocol", quote(bad_line_));
  return nullptr;
}

void McpClient::give_up(std::int64_t id, const char* method, bool is_interrupted) {
  if (std::string_view(method) != "initialize") {  // the one request that must not be cancelled
    const json params = {{"requestId", id},
                         {"reason", is_interrupted ? "the user stopped it" : "time-out"}};
    try {
      transport_->cancel(message_text(
          {{"jsonrpc", "2.0"}, {"method", "notifications/cancelled"}, {"params", params}}));
    } catch (const Error&) {
      // Why the request was given up says more.
    }
  }
  if (is_interrupted) fail(ErrorCode::io, "was stopped by the user");
  fail(ErrorCode::io, "did not answer {} within {:g} s{}", method, timeout_s_,
       bad_line_.empty() ? "" : "; it says " + quote(bad_line_) + ", which is not the protocol");
}

json McpClient::request(const char* method, json params, function_ref<bool()> interrupted,
                        const Stopwatch& clock) {
  const std::int64_t id = ++last_id_;
  n_bad_lines_ = 0;
  bad_line_.clear();
  const json message = {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}};
  transport_->send(message_text(message), /*wants_reply=*/true);
  bool is_interrupted = false;
  const auto may_wait = [&] {
    is_interrupted = is_interrupted || interrupted();
    return !is_interrupted && clock.seconds() < timeout_s_;
  };
  while (may_wait()) {  // also asked here: a server may talk without end
    const std::optional<std::string> text = transport_->receive(may_wait);
    if (!text) continue;
    const json reply = read_message(*text);
    if (!is_reply_to(reply, id)) {
      answer_server(reply);
      continue;
    }
    if (reply.contains("error") && !reply["error"].is_null()) {
      const std::string why = text_at(reply["error"], "message");
      fail(ErrorCode::invalid_input, "refuses {}: {}", method,
           quote(why.empty() ? message_text(reply["error"]) : why));
    }
    if (!reply.contains("result"))
      fail(ErrorCode::invalid_input, "answers {} with neither result nor error", method);
    return reply["result"];
  }
  give_up(id, method, is_interrupted);
}

void McpClient::initialize(function_ref<bool()> interrupted) {
  const json result = request("initialize",
                              {{"protocolVersion", kRevision},
                               {"capabilities", json::object()},
                               {"clientInfo", {{"name", "tinyllm"}, {"version", version()}}}},
                              interrupted);
  const std::string revision = text_at(result, "protocolVersion");
  constexpr std::string_view kKnown[] = {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"};
  if (std::ranges::find(kKnown, revision) == std::end(kKnown))
    fail(ErrorCode::unsupported, "speaks revision {} of the protocol, which is not known here",
         quote(revision));
  transport_->set_revision(revision);
  notify("notifications/initialized");
}

std::vector<McpTool> McpClient::list_tools(std::int64_t& n_left_out,
                                           function_ref<bool()> interrupted) {
  std::vector<McpTool> tools;
  std::unordered_set<std::string> names;
  n_left_out = 0;
  std::string cursor;
  const Stopwatch clock;
  for (int page = 0; page < kMaxPages; ++page) {
    const json params = cursor.empty() ? json::object() : json{{"cursor", cursor}};
    const json result = request("tools/list", params, interrupted, clock);
    if (!result.is_object() || !result.contains("tools") || !result["tools"].is_array())
      fail(ErrorCode::invalid_input, "answers tools/list without an array of tools");
    for (const json& entry : result["tools"]) {
      std::optional<McpTool> tool = read_tool(entry);
      if (!tool || tools.size() == kMaxMcpTools || !names.insert(tool->name).second) {
        ++n_left_out;
      } else {
        tools.push_back(*std::move(tool));
      }
    }
    const std::string next = text_at(result, "nextCursor");
    if (next.empty() || next == cursor) break;
    if (tools.size() == kMaxMcpTools) {
      ++n_left_out;  // at least
      break;
    }
    cursor = next;
  }
  return tools;
}

ToolResult McpClient::call_tool(const std::string& name, const json& arguments,
                                function_ref<bool()> interrupted) {
  return read_result(
      request("tools/call", {{"name", name}, {"arguments", arguments}}, interrupted));
}

}  // namespace tinyllm
