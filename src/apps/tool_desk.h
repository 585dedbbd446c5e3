#pragma once
// Tools in a talk: which there are, what a call looks like on the screen, and whether it may run. A
// call asks first, unless its tool was allowed by name; where nobody can be asked it does not run.
// Main thread only.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/tool_chat.h"
#include "apps/line_editor.h"
#include "apps/open_tools.h"

namespace tinyllm {

class ToolDesk {
 public:
  // Throws what open_tools() throws.
  explicit ToolDesk(const ToolOptions& options);

  const ToolBox& box() const { return tools_->box; }
  OpenTools& tools() { return *tools_; }
  ToolChatHooks hooks();

  std::string list() const;  // a line for each tool

  // `pause` ends what is being written before a call is shown. `interrupted`: somebody stops the
  // answer. `editor` reads the reply to the question; nullptr: stdin, where it is a terminal.
  void begin_answer(std::function<void()> pause, std::function<bool()> interrupted,
                    LineEditor* editor);

 private:
  Approval approve(const AgentCall& call);
  Approval ask(const std::string& name);

  std::unique_ptr<OpenTools> tools_;
  std::function<void()> pause_;
  std::function<bool()> interrupted_;
  LineEditor* editor_ = nullptr;
};

}  // namespace tinyllm
