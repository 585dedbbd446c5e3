#pragma once
// Tools in a talk: which there are, what a call looks like on the screen, and whether it may run. A
// call asks first, unless its tool was allowed by name; where nobody can be asked it does not run.
// Main thread only.

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "agent/mcp_servers.h"
#include "agent/tool.h"
#include "agent/tool_chat.h"
#include "apps/line_editor.h"
#include "apps/tool_options.h"

namespace tinyllm {

class ToolDesk {
 public:
  // Starts the servers. Throws Error{usage} for a tool that is allowed and not there, and Error for
  // a folder or a file of servers that cannot be used.
  explicit ToolDesk(const ToolOptions& options);

  const ToolBox& box() const { return box_; }
  ToolChatHooks hooks();

  // Leaves out what would fill more than half of a model's context with descriptions of tools.
  void fit_into(std::int64_t context, function_ref<std::int64_t(std::string_view text)> n_tokens);

  std::string list() const;  // a line for each tool

  // `pause` ends what is being written before a call is shown. `interrupted`: somebody stops the
  // answer. `editor` reads the reply to the question; nullptr: stdin, where it is a terminal.
  void begin_answer(std::function<void()> pause, std::function<bool()> interrupted,
                    LineEditor* editor);

 private:
  Approval approve(const AgentCall& call);
  Approval ask(const std::string& name);

  ToolBox box_;
  std::unique_ptr<McpServers> servers_;
  std::set<std::string, std::less<>> allowed_;
  std::function<void()> pause_;
  std::function<bool()> interrupted_;
  LineEditor* editor_ = nullptr;
};

}  // namespace tinyllm
