#pragma once
// The file that names servers of tools, in the form of Cursor and Claude. Any thread.
//
//   {"mcpServers": {"files": {"command": "uvx", "args": ["mcp-server-files", "."], "env": {}},
//                   "wiki": {"url": "https://host/mcp", "headers": {}}}}

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace tinyllm {

struct McpServerConfig {
  std::string name;
  std::vector<std::string> command;  // a program and its arguments; empty: `url`
  std::vector<std::pair<std::string, std::string>> environment;
  std::string folder;  // "cwd", to run in; "": ours
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  double timeout_s = 60;  // "timeout", of one request
};

// Those that are not "disabled", in the order of the file. Throws Error{not_found | io |
// invalid_input}: "mcp.json: mcpServers.files.command is 3, must be a string".
std::vector<McpServerConfig> read_mcp_config(const std::filesystem::path& file);

}  // namespace tinyllm
