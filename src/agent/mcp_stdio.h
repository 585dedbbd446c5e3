#pragma once
// A server of tools that runs as a child of this program and speaks in lines. It ends with us. What
// it writes to stderr is kept apart; its last line tells why it died. One thread.

#include <memory>

#include "agent/mcp_config.h"
#include "agent/mcp_transport.h"

namespace tinyllm {

// Starts it. Throws Error{io} when no process can be made.
std::unique_ptr<McpTransport> start_mcp_process(const McpServerConfig& server);

}  // namespace tinyllm
