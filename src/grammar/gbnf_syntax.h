#pragma once
// llama.cpp's grammars (GBNF) as a tree. See its grammars/README.md for the language.

#include <cstdint>
#include <string>
#include <vector>

#include "grammar/code_point_set.h"

namespace tinyllm {

struct GbnfNode {
  enum class Kind : std::uint8_t {
    text,    // these bytes
    set,     // one code point
    rule,    // what the rule of this number matches
    concat,  // children, one after the other
    any_of,  // one of the children
    repeat,  // child, min to max times
  };

  Kind kind = Kind::concat;
  std::string text;
  CodePointSet set;
  std::uint32_t rule = 0;
  std::uint32_t min = 0, max = 0;  // max: kNoLimit of expr_pool.h
  std::vector<GbnfNode> children;
};

struct GbnfRules {
  std::vector<GbnfNode> rules;
  std::uint32_t root = 0;
};

// Throws Error{invalid_input | unsupported} that names the line.
GbnfRules parse_gbnf(const std::string& text);

}  // namespace tinyllm
