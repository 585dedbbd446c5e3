#include "agent/mcp_servers.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "agent/mcp_http.h"
#include "agent/mcp_stdio.h"
#include "base/error.h"
#include "base/quote.h"

namespace tinyllm {

struct McpServers::Server {
  std::string name;
  std::unique_ptr<McpClient> client;  // null: it cannot be used
  std::string why_not;                // then
};

McpServers::McpServers(const std::vector<McpServerConfig>& configs, ToolBox& box,
                       std::function<void(const std::string&)> tell,
                       function_ref<bool()> interrupted)
    : tell_(std::move(tell)) {
  for (const McpServerConfig& config : configs) {  // they start side by side
    auto server = std::make_unique<Server>();
    server->name = config.name;
    try {
      server->client = std::make_unique<McpClient>(
          config.command.empty() ? connect_mcp_http(config) : start_mcp_process(config),
          config.timeout_s);
    } catch (const Error& error) {
      server->why_not = error.what();
    }
    servers_.push_back(std::move(server));
  }
  for (const std::unique_ptr<Server>& server : servers_) {
    if (server->client != nullptr) add_tools(*server, box, interrupted);
    if (server->client == nullptr)
      tell_(fmt::format("MCP server {} {}", quote(server->name), server->why_not));
  }
}

McpServers::~McpServers() = default;

void McpServers::add_tools(Server& server, ToolBox& box, function_ref<bool()> interrupted) {
  std::vector<McpTool> tools;
  std::int64_t n_left_out = 0;
  try {
    server.client->initialize(interrupted);
    tools = server.client->list_tools(n_left_out, interrupted);
  } catch (const Error& error) {
    server.why_not = error.what();
    server.client.reset();
    return;
  }
  for (const McpTool& tool : tools) {
    try {
      box.add({.name = tool_name_from(server.name + "_" + tool.name),
               .description = tool.description,
               .parameters = tool.parameters,
               .call = [this, &server, name = tool.name](const nlohmann::ordered_json& arguments,
                                                         function_ref<bool()> stop) {
                 return call(server, name, arguments, stop);
               }});
    } catch (const Error&) {
      ++n_left_out;  // its name is taken, or its schema is nested too deeply
    }
  }
  if (n_left_out > 0)
    tell_(fmt::format("MCP server {}: {} of its tools cannot be used and are left out",
                      quote(server.name), n_left_out));
}

// What one call fails with concerns the model. That the server has gone concerns everybody.
ToolResult McpServers::call(Server& server, const std::string& tool,
                            const nlohmann::ordered_json& arguments,
                            function_ref<bool()> interrupted) {
  if (server.client == nullptr) return {fmt::format("the server {}", server.why_not), true};
  try {
    return server.client->call_tool(tool, arguments, interrupted);
  } catch (const Error& error) {
    if (!server.client->is_open()) {
      server.why_not = error.what();
      server.client.reset();
      tell_(fmt::format("MCP server {} {}", quote(server.name), error.what()));
    }
    return {fmt::format("the server {}", error.what()), true};
  }
}

}  // namespace tinyllm
