#pragma once
// The running servers of a configuration, whose tools go into a box as server_tool. A name that two
// servers could mean is left out. A server that cannot be used, or dies later, is told and takes
// nobody with it. One thread; but the tools of different servers may be called beside each other, each
// server's from one thread at a time, and `tell` is called on these.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
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

  // Takes the tools of each server out of the box that, with those of the servers before it, fill
  // more than `max_tokens` of a prompt, and tells so.
  void leave_out_long_lists(ToolBox& box,
                            function_ref<std::int64_t(std::string_view text)> n_tokens,
                            std::int64_t max_tokens) const;

  // Whether a tool of this name would be that of a server that cannot be used.
  bool is_of_missing_server(std::string_view tool_name) const;

 private:
  struct Server;
  struct Offer;
  static void greet(Server& server, std::vector<Offer>& offers, function_ref<bool()> interrupted);
  void drop_shared_names(std::vector<Offer>& offers) const;
  void add_tools(Server& server, const std::vector<Offer>& offers, ToolBox& box);
  ToolResult call(Server& server, const std::string& tool, const nlohmann::ordered_json& arguments,
                  function_ref<bool()> interrupted);

  std::vector<std::unique_ptr<Server>> servers_;
  std::function<void(const std::string&)> tell_;
};

}  // namespace tinyllm
