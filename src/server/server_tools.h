#pragma once
// The tools that this server runs for requests that ask for them: which, whose calls run unasked, and
// the calls that wait for a word. Any thread.

#include <functional>
#include <set>
#include <string>

#include "agent/tool.h"
#include "openai/api_request.h"
#include "server/approvals.h"
#include "server/tool_threads.h"

namespace tinyllm {

class ServerTools {
 public:
  using Names = std::set<std::string, std::less<>>;

  // `box` must outlive it, and stay as it is. Calls of the tools in `allowed` run without a question.
  ServerTools(const ToolBox& box, Names allowed);

  const ToolBox& box() const { return box_; }
  bool is_allowed(std::string_view name) const { return allowed_.contains(name); }

  // Puts the tools that the request asks for among its functions. Throws ApiError{400} for those that
  // are not here, and for what does not go with them.
  void offer(ApiRequest& request) const;

  Approvals& approvals() { return approvals_; }
  ToolThreads& threads() { return threads_; }

 private:
  void add(const AskedServerTools& asked, nlohmann::ordered_json& functions,
           ServerToolNames& names) const;

  const ToolBox& box_;
  const Names allowed_;
  Approvals approvals_;
  ToolThreads threads_;
};

}  // namespace tinyllm
