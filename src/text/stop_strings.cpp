#include "text/stop_strings.h"

#include <algorithm>
#include <utility>

namespace tinyllm {

StopStrings::StopStrings(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase(stops_, std::string());
}

std::string StopStrings::push(std::string_view piece) {
  if (matched()) return "";
  held_ += piece;
  std::size_t cut = std::string::npos;
  for (const std::string& stop : stops_) {
    const std::size_t found = held_.find(stop);
    if (found >= cut) continue;
    cut = found;
    matched_string_ = stop;
  }
  if (cut != std::string::npos) {
    return std::exchange(held_, "").substr(0, cut);
  }
  // The longest end of the text that is the beginning of a stop string stays back.
  std::size_t keep = 0;
  for (const std::string& stop : stops_) {
    for (std::size_t n = std::min(stop.size() - 1, held_.size()); n > keep; --n) {
      if (held_.ends_with(std::string_view(stop).substr(0, n))) keep = n;
    }
  }
  std::string safe = held_.substr(0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
  return safe;
}

std::string StopStrings::finish() { return std::exchange(held_, ""); }

}  // namespace tinyllm
