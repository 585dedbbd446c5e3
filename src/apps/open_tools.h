#pragma once
// The tools that the flags of a command ask for, with the servers behind them. Main thread only.

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "agent/mcp_servers.h"
#include "agent/tool.h"
#include "apps/tool_options.h"

namespace tinyllm {

struct OpenTools {
  ToolBox box;
  std::unique_ptr<McpServers> servers;         // nullptr: none
  std::set<std::string, std::less<>> allowed;  // run without a question

  // Leaves out what would fill more than half of a model's context with descriptions of tools.
  void fit_into(std::int64_t context, function_ref<std::int64_t(std::string_view text)> n_tokens);
};

// Starts the servers. `tell` gets lines for a person, later from other threads, too. Throws
// Error{usage} for a tool that is allowed and not there, and Error for a folder or a file of servers
// that cannot be used.
std::unique_ptr<OpenTools> open_tools(const ToolOptions& options,
                                      const std::function<void(const std::string&)>& tell);

}  // namespace tinyllm
