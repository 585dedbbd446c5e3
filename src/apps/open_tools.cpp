#include "apps/open_tools.h"

#include <fmt/core.h>

#include <filesystem>
#include <vector>

#include "agent/calculator.h"
#include "agent/date_time.h"
#include "agent/learn_check.h"
#include "agent/mcp_config.h"
#include "agent/tools_folder.h"
#include "apps/printable.h"
#include "base/error.h"
#include "learn/course_paths.h"

namespace tinyllm {
namespace {

bool has_course() {
  try {
    learn::find_course("");
    return true;
  } catch (const Error&) {
    return false;
  }
}

void add_own_tools(ToolBox& box, const ToolOptions& options) {
  if (options.tools) {
    box.add(make_calculator());
    box.add(make_date_time());
    if (has_course()) {
      std::error_code error;
      const auto binary = std::filesystem::read_symlink("/proc/self/exe", error);
      box.add(make_learn_check({binary.string(), "learn", "check"}));
    }
  }
  if (!options.folder.empty()) add_folder_tools(box, options.folder);
}

}  // namespace

void OpenTools::fit_into(std::int64_t context,
                         function_ref<std::int64_t(std::string_view text)> n_tokens) {
  if (servers != nullptr) servers->leave_out_long_lists(box, n_tokens, context / 2);
}

std::unique_ptr<OpenTools> open_tools(const ToolOptions& options,
                                      const std::function<void(const std::string&)>& tell) {
  auto tools = std::make_unique<OpenTools>();
  ToolBox& box = tools->box;
  add_own_tools(box, options);
  if (!options.mcp_file.empty()) {
    const std::vector<McpServerConfig> configs = read_mcp_config(options.mcp_file);
    const auto say_line = [tell](const std::string& line) { tell(printable(line)); };
    tools->servers = std::make_unique<McpServers>(configs, box, say_line, [] { return false; });
  }
  for (const std::string& name : options.allowed) {
    if (box.find(name) == nullptr && tools->servers && tools->servers->is_of_missing_server(name)) {
      tell(fmt::format("--allow-tool {}: its server cannot be used", printable(name)));
      continue;
    }
    if (box.find(name) == nullptr) {
      std::string names;
      for (const Tool& tool : box.tools()) names += (names.empty() ? "" : ", ") + tool.name;
      fail(ErrorCode::usage, "--allow-tool {}: there is no such tool; {}", name,
           names.empty() ? "--tools, --tools-folder and --mcp give some" : "there are " + names);
    }
    tools->allowed.insert(name);
  }
  return tools;
}

}  // namespace tinyllm
