#include "api/device_spec.h"

#include <charconv>

namespace tinyllm {

std::optional<DeviceSpec> parse_device(std::string_view text) {
  if (text == "cpu") return DeviceSpec{DeviceKind::cpu, 0};
  if (text == "auto") return DeviceSpec{DeviceKind::automatic, 0};
  if (text == "cuda") return DeviceSpec{DeviceKind::cuda, 0};
  constexpr std::string_view kPrefix = "cuda:";
  if (!text.starts_with(kPrefix)) return std::nullopt;
  const std::string_view number = text.substr(kPrefix.size());
  DeviceSpec device{DeviceKind::cuda, 0};
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), device.idx);
  const bool is_whole = error == std::errc() && end == number.data() + number.size();
  if (!is_whole || device.idx < 0) return std::nullopt;
  return device;
}

}  // namespace tinyllm
