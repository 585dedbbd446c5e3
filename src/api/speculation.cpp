#include "api/speculation.h"

namespace tinyllm {

std::optional<Speculation> parse_speculation(std::string_view name) {
  if (name == "auto") return Speculation::automatic;
  if (name == "suffix") return Speculation::suffix;
  if (name == "model") return Speculation::model;
  if (name == "off") return Speculation::off;
  return std::nullopt;
}

}  // namespace tinyllm
