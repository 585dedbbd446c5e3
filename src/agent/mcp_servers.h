#pragma once
// The running servers of a configuration, whose tools go into a box as server_tool. A server that
// cannot be used, or dies later, is told and takes nobody with it. One thread.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/mcp_client.h"
#include "agent/mcp_config.h"
#include "agent/tool.h"

namespace tinyllm {

class McpServers {
 public:
  // Starts them all, greets each and puts its tools into `box`, which must not outlive this object.
  // `tell` gets a line for a person about what goes wrong, also later. `interrupted`: start no more.
  McpServers(const std::vector<McpServerConfig>& configs, ToolBox& box,
             std::function<void(const std::string&)> tell, function_ref<bool()> interrupted);
  ~McpServers();
  McpServers(const McpServers&) = delete;
  McpServers& operator=(const McpServers&) = delete;

 private:
  struct Server;
  void add_tools(Server& server, ToolBox& box, function_ref<bool()> interrupted);
  ToolResult call(Server& server, const std::string& tool, const nlohmann::ordered_json& arguments,
                  function_ref<bool()> interrupted);

  std::vector<std::unique_ptr<Server>> servers_;
  std::function<void(const std::string&)> tell_;
};

}  // namespace tinyllm
