#pragma once
// The regular expressions of ECMA-262 with the u flag, as far as they are regular: parsed to a tree
// of code points. What is not regular (back references) or not decided by the text alone is refused.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/code_point_set.h"

namespace tinyllm {

struct RegexNode {
  enum class Kind : std::uint8_t {
    empty,
    set,             // one code point
    concat,          // children, one after the other
    any_of,          // one of the children
    repeat,          // child, min to max times
    begin,           // ^
    end,             // $
    look_ahead,      // (?=child)
    not_look_ahead,  // (?!child)
  };

  Kind kind = Kind::empty;
  CodePointSet set;
  std::vector<RegexNode> children;
  std::uint32_t min = 0, max = 0;  // max: kNoLimit of expr_pool.h
};

// Throws Error{invalid_input | unsupported}: "<source>: <what>, at byte 7 of the pattern".
RegexNode parse_regex(std::string_view pattern, const std::string& source);

}  // namespace tinyllm
