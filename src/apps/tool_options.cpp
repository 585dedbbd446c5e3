#include "apps/tool_options.h"

namespace tinyllm {
namespace {

constexpr const char* kToolsGroup = "Tools";

}  // namespace

bool ToolOptions::wanted() const {
  return tools || !folder.empty() || !mcp_file.empty() || !allowed.empty();
}

void add_tool_options(Command command, ToolOptions& options) {
  command
      .add_flag("--tools", options.tools,
                "The model may call calculator, date_time and, in a clone, learn_check")
      .group(kToolsGroup);
  command
      .add_option("--tools-folder", options.folder,
                  "And read_file and search, which read this folder and nothing else")
      .type_name("DIR")
      .group(kToolsGroup);
  command
      .add_option(
          "--mcp", options.mcp_file,
          "And those of the MCP servers in this file, as SERVER_TOOL: the \"mcpServers\" of "
          "Cursor and Claude")
      .type_name("FILE")
      .group(kToolsGroup);
  command
      .add_option("--allow-tool", options.allowed,
                  "Calls of this tool run without a question; may be given again")
      .type_name("NAME")
      .repeatable()
      .group(kToolsGroup);
}

}  // namespace tinyllm
