#include "agent/mcp_config.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/json_field.h"
#include "base/json_parse.h"

namespace tinyllm {
namespace {

constexpr std::uint64_t kMaxFileBytes = 1 << 20;

std::vector<std::pair<std::string, std::string>> read_texts(const JsonField& field) {
  std::vector<std::pair<std::string, std::string>> texts;
  if (field.is_null()) return texts;
  for (const auto& [name, unused] : field.object().items())
    texts.emplace_back(name, field.member(name).string());
  return texts;
}

McpServerConfig read_server(const std::string& name, const JsonField& entry) {
  McpServerConfig server;
  server.name = name;
  const JsonField command = entry.member("command"), url = entry.member("url");
  if (command.is_null() == url.is_null())
    entry.refuse(ErrorCode::invalid_input, "an object with either a command or a url");
  if (!command.is_null()) {
    server.command.push_back(command.string());
    if (server.command[0].empty())
      command.refuse(ErrorCode::invalid_input, "the name of a program");
    const JsonField arguments = entry.member("args");
    if (!arguments.is_null()) {
      for (const JsonField& word : arguments.elements()) server.command.push_back(word.string());
    }
  }
  server.environment = read_texts(entry.member("env"));
  server.folder = entry.member("cwd").string_or("");
  server.url = url.string_or("");
  if (!server.url.empty() && !server.url.starts_with("http://") &&
      !server.url.starts_with("https://"))
    url.refuse(ErrorCode::invalid_input, "an address that begins with http:// or https://");
  server.headers = read_texts(entry.member("headers"));
  server.timeout_s = entry.member("timeout").number_or(server.timeout_s);
  if (!(server.timeout_s > 0 && server.timeout_s <= 3600))
    entry.member("timeout").refuse(ErrorCode::invalid_input, "a number of seconds up to 3600");
  return server;
}

}  // namespace

std::vector<McpServerConfig> read_mcp_config(const std::filesystem::path& file) {
  const std::string source = file.string();
  const std::string text = read_text_file(file, kMaxFileBytes);
  const nlohmann::json document = parse_json(text, source, {.unique_keys = true});
  const JsonField all = JsonField(document, source).member("mcpServers");
  if (!all.is_object())
    fail(ErrorCode::invalid_input, "{}: must be an object with \"mcpServers\", an object", source);
  std::vector<McpServerConfig> servers;
  const nlohmann::ordered_json in_order = parse_ordered_json(text, source);
  for (const auto& [name, unused] : in_order["mcpServers"].items()) {
    const JsonField entry = all.member(name);
    entry.object();
    if (!entry.member("disabled").boolean_or(false)) servers.push_back(read_server(name, entry));
  }
  return servers;
}

}  // namespace tinyllm
