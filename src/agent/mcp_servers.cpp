#include "agent/mcp_servers.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
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
  std::int64_t n_left_out = 0;        // of its tools
  std::vector<std::string> in_box;    // their names there

  std::string prefix() const { return tool_name_from(name + "_"); }
};

// A tool of a server, and the name that it would have in the box.
struct McpServers::Offer {
  Server* server;
  McpTool tool;
  std::string name;
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
  std::vector<Offer> offers;
  for (const std::unique_ptr<Server>& server : servers_) {
    if (server->client != nullptr) greet(*server, offers, interrupted);
    if (server->client == nullptr)
      tell_(fmt::format("MCP server {} {}", quote(server->name), server->why_not));
  }
  drop_shared_names(offers);
  for (const std::unique_ptr<Server>& server : servers_) add_tools(*server, offers, box);
}

McpServers::~McpServers() = default;

void McpServers::greet(Server& server, std::vector<Offer>& offers,
                       function_ref<bool()> interrupted) {
  try {
    server.client->initialize(interrupted);
    for (McpTool& tool : server.client->list_tools(server.n_left_out, interrupted)) {
      std::string name = tool_name_from(server.name + "_" + tool.name);
      offers.push_back({&server, std::move(tool), std::move(name)});
    }
  } catch (const Error& error) {
    server.why_not = error.what();
    server.client.reset();
  }
}

// `db` may offer `admin_query` and `db_admin` `query`. Whoever allows the one must not have allowed
// the other, so neither is there; nor is the one where `db_admin` has not started.
void McpServers::drop_shared_names(std::vector<Offer>& offers) const {
  std::map<std::string, std::vector<const Server*>> owners;
  const auto add_owner = [](std::vector<const Server*>& all, const Server* server) {
    if (std::ranges::find(all, server) == all.end()) all.push_back(server);
  };
  for (const Offer& offer : offers) {
    add_owner(owners[offer.name], offer.server);
    for (const std::unique_ptr<Server>& other : servers_) {
      const std::string prefix = other->prefix();
      const bool could_be_its = other->client == nullptr && offer.name.starts_with(prefix) &&
                                prefix.size() >= offer.server->prefix().size();
      if (could_be_its) add_owner(owners[offer.name], other.get());
    }
  }
  std::erase_if(offers, [&](const Offer& offer) { return owners[offer.name].size() > 1; });
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> shared;
  for (const auto& [name, all] : owners) {
    if (all.size() > 1) shared[{all[0]->name, all[1]->name}].push_back(name);
  }
  for (const auto& [servers, names] : shared) {
    const std::string more = names.size() > 1 ? fmt::format(" and {} more", names.size() - 1) : "";
    tell_(fmt::format("MCP servers {} and {} could both be meant by {}{}, which cannot be called",
                      quote(servers.first), quote(servers.second), names[0], more));
  }
}

void McpServers::add_tools(Server& server, const std::vector<Offer>& offers, ToolBox& box) {
  for (const auto& [owner, tool, full_name] : offers) {
    if (owner != &server) continue;
    try {
      box.add(
          {.name = full_name,
           .description = tool.description,
           .parameters = tool.parameters,
           .call = [this, &server, name = tool.name](
                       const nlohmann::ordered_json& arguments,
                       function_ref<bool()> stop) { return call(server, name, arguments, stop); },
           .server = server.name});
      server.in_box.push_back(full_name);
    } catch (const Error&) {
      ++server.n_left_out;  // its name is taken, or its schema is nested too deeply
    }
  }
  if (server.n_left_out > 0)
    tell_(fmt::format("MCP server {}: {} of its tools cannot be used and are left out",
                      quote(server.name), server.n_left_out));
}

void McpServers::leave_out_long_lists(ToolBox& box,
                                      function_ref<std::int64_t(std::string_view text)> n_tokens,
                                      std::int64_t max_tokens) const {
  std::int64_t n_before = 0;
  for (const std::unique_ptr<Server>& server : servers_) {
    std::int64_t n = n_before;
    for (const std::string& name : server->in_box) {
      const Tool* tool = box.find(name);
      if (n > max_tokens) break;
      n += n_tokens(tool->name) + n_tokens(tool->description) + n_tokens(tool->parameters);
    }
    if (n <= max_tokens) {
      n_before = n;
      continue;
    }
    tell_(
        fmt::format("MCP server {}: its list of {} tools is too long for the context, of which "
                    "it may fill half; they are left out",
                    quote(server->name), server->in_box.size()));
    for (const std::string& name : server->in_box) box.remove(name);
    server->in_box.clear();
  }
}

bool McpServers::is_of_missing_server(std::string_view tool_name) const {
  return std::ranges::any_of(servers_, [&](const std::unique_ptr<Server>& server) {
    return server->client == nullptr && tool_name.starts_with(server->prefix());
  });
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
