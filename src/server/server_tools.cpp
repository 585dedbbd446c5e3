#include "server/server_tools.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/quote.h"
#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/field_value.h"
#include "openai/tool_reader.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

// Tools of this program stand under its name, beside those of MCP servers.
constexpr const char* kOwnLabel = "tinyllm";

std::string label_of(const Tool& tool) { return tool.server.empty() ? kOwnLabel : tool.server; }

void check_together(const ApiRequest& request) {
  const auto refuse = [](const char* param, const char* message) {
    throw ApiError(400, "invalid_value", param, message);
  };
  if (request.n > 1) refuse("n", "n must be 1 where the server runs tools");
  if (request.logprobs) refuse("logprobs", "logprobs are not given where the server runs tools");
  if (request.n_prompt_logprobs >= 0)
    refuse("prompt_logprobs", "prompt_logprobs are not given where the server runs tools");
  if (request.return_token_ids)
    refuse("return_token_ids", "token ids are not given where the server runs tools");
  if (request.continue_final_message)
    refuse("continue_final_message", "no message is continued where the server runs tools");
}

}  // namespace

ServerTools::ServerTools(const ToolBox& box, Names allowed)
    : box_(box), allowed_(std::move(allowed)), threads_(box) {}

void ServerTools::offer(ApiRequest& request) const {
  check_together(request);
  const auto functions =
      share_json(request.tools == nullptr ? json::array() : json(*request.tools));
  auto names = std::make_shared<ServerToolNames>();
  for (const AskedServerTools& asked : request.server_tools) add(asked, *functions, *names);
  if (functions->size() > kMaxTools) {
    refuse_field("tools", fmt::format("{} tools with those of the server", functions->size()),
                 fmt::format("at most {}; allowed_tools names some", kMaxTools));
  }
  request.server_tools.clear();
  request.server_names = std::move(names);
  give_tools(request, functions);
  check_tool_choice(request);
}

void ServerTools::add(const AskedServerTools& asked, json& functions,
                      ServerToolNames& names) const {
  const auto is_asked = [&](const Tool& tool) {
    const bool is_named =
        asked.names.empty() || std::ranges::find(asked.names, tool.name) != asked.names.end();
    return is_named && (asked.server.empty() || asked.server == label_of(tool));
  };
  for (const std::string& name : asked.names) {
    if (const Tool* tool = box_.find(name); tool == nullptr || !is_asked(*tool))
      refuse_field(asked.path + ".allowed_tools", fmt::format("given with {}", quote(name)),
                   "of names of the server's tools");
  }
  if (std::ranges::none_of(box_.tools(), is_asked))
    refuse_field(asked.path + ".server_label", quote(asked.server), "that of a server with tools");
  for (const Tool& tool : box_.tools()) {
    if (!is_asked(tool)) continue;
    const auto has_name = [&](const json& it) { return it["function"]["name"] == tool.name; };
    if (std::ranges::any_of(functions, has_name))
      refuse_field(asked.path, fmt::format("for {}, which is there already", quote(tool.name)),
                   "for other tools");
    if (asked.approval == "never" && !is_allowed(tool.name)) {
      throw ApiError(400, "invalid_value", asked.path + ".require_approval",
                     fmt::format("require_approval is 'never', but calls of {} need an approval on "
                                 "this server (--allow-tool)",
                                 tool.name));
    }
    names.all.insert(tool.name);
    if (asked.approval != "always" && is_allowed(tool.name)) names.unasked.insert(tool.name);
    functions.push_back(definition_of(tool));
  }
}

}  // namespace tinyllm
