// tinyllm ps: which models run on this machine.

#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "apps/commands.h"
#include "apps/options.h"
#include "apps/printable.h"
#include "apps/running_programs.h"
#include "apps/standard_output.h"

namespace tinyllm {
namespace {

std::string age_text(double seconds) {
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string printable_or_dash(const std::string& text) {
  return text.empty() ? "-" : printable(text);
}

void run_ps(bool as_json) {
  const std::vector<RunningProgram> programs = running_programs();
  if (as_json) {
    nlohmann::ordered_json rows = nlohmann::json::array();
    for (const RunningProgram& one : programs) {
      rows.push_back({{"pid", one.pid},
                      {"command", one.command},
                      {"model", one.model},
                      {"address", one.address},
                      {"bytes", one.bytes},
                      {"seconds", one.seconds}});
    }
    write_stdout(rows.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    return;
  }
  if (programs.empty()) return write_stdout("No model runs on this machine.\n");
  std::string text = fmt::format("{:>8}  {:<9} {:>9} {:>8}  {:<21}  {}\n", "PID", "COMMAND",
                                 "MEMORY", "SINCE", "ADDRESS", "MODEL");
  for (const RunningProgram& one : programs) {
    text += fmt::format("{:>8}  {:<9} {:>6.0f} MB {:>8}  {:<21}  {}\n", one.pid, one.command,
                        static_cast<double>(one.bytes) / 1e6, age_text(one.seconds),
                        printable_or_dash(one.address), printable_or_dash(one.model));
  }
  write_stdout(text);
}

}  // namespace

void add_ps_command(Command app) {
  Command command = app.add_subcommand("ps", "Which models run on this machine now");
  const auto as_json = std::make_shared<bool>(false);
  command.add_flag("--json", *as_json, "One JSON array");
  add_examples(command, "  tinyllm ps");
  command.callback([as_json] { run_ps(*as_json); });
}

}  // namespace tinyllm
