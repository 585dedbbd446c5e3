#pragma once
// The flags that give a model tools. Main thread only.

#include <string>
#include <vector>

#include "apps/command.h"

namespace tinyllm {

// What stood on the command line.
struct ToolOptions {
  bool tools = false;                // calculator, date_time, learn_check
  std::string folder;                // read_file and search in it
  std::string mcp_file;              // servers of tools
  std::vector<std::string> allowed;  // tools that run without a question

  bool wanted() const;  // the model gets tools
};

void add_tool_options(Command command, ToolOptions& options);

}  // namespace tinyllm
