#pragma once
// A server of tools behind an address: streamable HTTP, where each message is a POST and its answer
// is JSON or a stream of events. One thread.

#include <memory>

#include "agent/mcp_config.h"
#include "agent/mcp_transport.h"

namespace tinyllm {

// Sends nothing yet.
std::unique_ptr<McpTransport> connect_mcp_http(const McpServerConfig& server);

}  // namespace tinyllm
