// Any bytes as what tools are given: the first byte picks an expression for the calculator, a stream of
// events (cut anywhere, it tells the same), or lines of an MCP server in answer to our requests.

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/calculator.h"
#include "agent/event_reader.h"
#include "agent/mcp_client.h"
#include "base/error.h"
#include "base/json_parse.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

namespace {

using namespace tinyllm;

// Says the lines of a text, then hangs up.
class LinesTransport final : public McpTransport {
 public:
  explicit LinesTransport(std::string_view text) : text_(text) {}
  bool is_open() const override { return !text_.empty(); }
  void set_revision(const std::string&) override {}
  void send(std::string_view message, bool) override { parse_json(message, "what is sent"); }
  void cancel(std::string_view notice) override { parse_json(notice, "what is sent"); }
  std::optional<std::string> receive(function_ref<bool()>) override {
    if (text_.empty()) fail(ErrorCode::io, "has ended");
    const std::string_view line = text_.substr(0, text_.find('\n'));
    text_.remove_prefix(std::min(line.size() + 1, text_.size()));
    return std::string(line);
  }

 private:
  std::string_view text_;
};

void try_calculator(std::string_view text) {
  try {
    if (calculate(text).empty()) std::abort();
  } catch (const Error&) {
    return;
  }
}

void try_events(std::string_view text, std::size_t cut) {
  std::vector<std::string> whole, pieces;
  EventReader at_once, by_pieces;
  at_once.push(text, whole);
  by_pieces.push(text.substr(0, cut), pieces);
  by_pieces.push(text.substr(cut), pieces);
  if (whole != pieces || at_once.n_held_bytes() != by_pieces.n_held_bytes()) std::abort();
}

void try_server(std::string_view text) {
  const auto never = [] { return false; };
  McpClient client(std::make_unique<LinesTransport>(text), /*timeout_s=*/10);
  ToolBox box;
  try {
    client.initialize(never);
    std::int64_t n_left_out = 0;
    for (const McpTool& tool : client.list_tools(n_left_out, never)) {
      box.add({.name = tool_name_from("s_" + tool.name),
               .description = tool.description,
               .parameters = tool.parameters,
               .call = [&](const nlohmann::ordered_json& arguments, function_ref<bool()> stop) {
                 return client.call_tool(tool.name, arguments, stop);
               }});
      box.run(box.tools().back().name, nlohmann::ordered_json::object(), 1000, never);
    }
    box.to_json();
  } catch (const Error&) {
    return;
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  switch (data[0] % 3) {
    case 0: try_calculator(text); break;
    case 1: try_events(text, text.empty() ? 0 : data[1] % text.size()); break;
    default: try_server(text);
  }
  return 0;
}
