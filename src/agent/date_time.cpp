#include "agent/date_time.h"

#include <array>
#include <ctime>

namespace tinyllm {
namespace {

// "Monday, 2026-11-30 09:15:02 +0100".
std::string local_time(std::time_t now) {
  std::tm parts{};
  ::localtime_r(&now, &parts);
  std::array<char, 64> text{};
  const std::size_t n = std::strftime(text.data(), text.size(), "%A, %Y-%m-%d %H:%M:%S %z", &parts);
  return {text.data(), n};
}

}  // namespace

Tool make_date_time() {
  return {.name = "date_time",
          .description =
              "Tells the date, the day of the week and the time of now, in the local time "
              "zone with its offset from UTC.",
          .parameters = R"({"type": "object", "properties": {}, "additionalProperties": false})",
          .call = [](const nlohmann::ordered_json&, function_ref<bool()>) {
            return ToolResult{local_time(std::time(nullptr))};
          }};
}

}  // namespace tinyllm
