#pragma once
// A set of Unicode code points as ascending ranges. Plain value.

#include <compare>
#include <vector>

namespace tinyllm {

struct CodePointRange {
  char32_t first = 0, last = 0;  // both included
  friend auto operator<=>(const CodePointRange&, const CodePointRange&) = default;
};

inline constexpr char32_t kLastCodePoint = 0x10FFFF;

class CodePointSet {
 public:
  CodePointSet() = default;
  CodePointSet(char32_t first, char32_t last) : ranges_{{first, last}} {}
  static CodePointSet all() { return {0, kLastCodePoint}; }

  void add(char32_t first, char32_t last);
  void add(const CodePointSet& other);
  CodePointSet inverted() const;
  CodePointSet intersected(const CodePointSet& other) const;

  bool empty() const { return ranges_.empty(); }
  bool contains(char32_t c) const;
  // Ascending, disjoint and not adjacent.
  const std::vector<CodePointRange>& ranges() const { return ranges_; }

 private:
  std::vector<CodePointRange> ranges_;
};

}  // namespace tinyllm
