#include "model_store/near_names.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace tinyllm {
namespace {

// Levenshtein 1966: insertions, deletions and replacements that turn `a` into `b`.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::vector<std::string> near_names(std::string_view wanted, const std::vector<std::string>& names,
                                    std::size_t limit) {
  // A longer text is no mistyped name, and the distance costs its length times the name's.
  constexpr std::size_t kLongestName = 200;
  if (wanted.empty() || wanted.size() > kLongestName) return {};
  const std::string asked = lower_case(wanted);
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& name : names) {
    const std::string other = lower_case(name);
    const bool inside = other.find(asked) != std::string::npos ||
                        (other.size() >= 3 && asked.find(other) != std::string::npos);
    const std::size_t distance = edit_distance(asked, other);
    if (inside || distance <= std::max<std::size_t>(2, asked.size() / 3)) {
      near.emplace_back(inside ? 0 : distance, name);
    }
  }
  std::stable_sort(near.begin(), near.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> nearest;
  for (const auto& [distance, name] : near) {
    if (nearest.size() == limit) break;
    if (std::ranges::find(nearest, name) == nearest.end()) nearest.push_back(name);
  }
  return nearest;
}

}  // namespace tinyllm
