#include "grammar/code_point_set.h"

#include <algorithm>

namespace tinyllm {

void CodePointSet::add(char32_t first, char32_t last) {
  const CodePointSet one(first, last);
  add(one);
}

void CodePointSet::add(const CodePointSet& other) {
  std::vector<CodePointRange> all = ranges_;
  all.insert(all.end(), other.ranges_.begin(), other.ranges_.end());
  std::ranges::sort(all, {}, &CodePointRange::first);
  ranges_.clear();
  for (const CodePointRange& range : all) {
    if (!ranges_.empty() && range.first <= ranges_.back().last + 1) {
      ranges_.back().last = std::max(ranges_.back().last, range.last);
    } else {
      ranges_.push_back(range);
    }
  }
}

CodePointSet CodePointSet::inverted() const {
  CodePointSet result;
  char32_t next = 0;
  for (const CodePointRange& range : ranges_) {
    if (range.first > next) result.ranges_.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastCodePoint) result.ranges_.push_back({next, kLastCodePoint});
  return result;
}

CodePointSet CodePointSet::intersected(const CodePointSet& other) const {
  CodePointSet outside = inverted();
  outside.add(other.inverted());
  return outside.inverted();
}

bool CodePointSet::contains(char32_t c) const {
  return std::ranges::any_of(
      ranges_, [c](const CodePointRange& range) { return range.first <= c && c <= range.last; });
}

}  // namespace tinyllm
