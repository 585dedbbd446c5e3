#pragma once
// The client's side of the Model Context Protocol (modelcontextprotocol.io, revisions 2024-11-05 to
// 2025-11-25) over any transport: initialize, the list of tools, calls. JSON-RPC 2.0. One thread.

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "agent/mcp_transport.h"
#include "agent/tool.h"
#include "base/clock.h"
#include "base/function_ref.h"

namespace tinyllm {

struct McpTool {
  std::string name, description;
  std::string parameters;  // its inputSchema as JSON text
};

// Of one server; what is more is left out.
inline constexpr std::size_t kMaxMcpTools = 512;

class McpClient {
 public:
  // Every request is given up after `timeout_s`.
  McpClient(std::unique_ptr<McpTransport> transport, double timeout_s);
  ~McpClient();

  bool is_open() const { return transport_->is_open(); }

  // Greets the server. Throws Error{io | invalid_input | unsupported}: "has ended with ...", "did not
  // answer initialize within 60 s".
  void initialize(function_ref<bool()> interrupted);

  // All pages until there are kMaxMcpTools, in order, within one time-out; names are unique.
  // `n_left_out`: tools beyond those, as far as they are known, or without a name or schema that
  // can be used. Throws as above.
  std::vector<McpTool> list_tools(std::int64_t& n_left_out, function_ref<bool()> interrupted);

  // Text parts of the result; other parts are named in brackets. Throws as above; a call that nobody
  // waits for any more is cancelled at the server.
  ToolResult call_tool(const std::string& name, const nlohmann::ordered_json& arguments,
                       function_ref<bool()> interrupted);

 private:
  nlohmann::ordered_json request(const char* method, nlohmann::ordered_json params,
                                 function_ref<bool()> interrupted, const Stopwatch& clock = {});
  void notify(const char* method);
  nlohmann::ordered_json read_message(const std::string& text);
  void answer_server(const nlohmann::ordered_json& message);
  [[noreturn]] void give_up(std::int64_t id, const char* method, bool is_interrupted);

  std::unique_ptr<McpTransport> transport_;
  double timeout_s_;
  std::int64_t last_id_ = 0;
  std::int64_t n_bad_lines_ = 0;
  std::string bad_line_;  // the first since the last request that was no JSON object
};

}  // namespace tinyllm
