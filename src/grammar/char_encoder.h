#pragma once
// Code points as expressions over bytes: in plain UTF-8, or as they may be written inside a JSON
// string. There a character has several writings ("é", "\u00e9"), all of which count as one; but no
// letter, digit or other printable character of ASCII is written as \u0061, which no program does.
// Surrogates stand for no character: no lone half of a pair is ever matched. One thread.

#include <map>
#include <string_view>
#include <vector>

#include "grammar/code_point_set.h"
#include "grammar/expr_pool.h"

namespace tinyllm {

enum class TextForm {
  plain,        // UTF-8
  json_string,  // between the quotes of a JSON string
};

class CharEncoder {
 public:
  CharEncoder(ExprPool& pool, TextForm form) : pool_(pool), form_(form) {}

  // One code point of the set.
  ExprId one_of(const CodePointSet& set);
  ExprId any() { return one_of(CodePointSet::all()); }
  // Exactly this text (well-formed UTF-8), in every writing.
  ExprId text(std::string_view text);

  ExprPool& pool() { return pool_; }

 private:
  ExprId encode(const CodePointSet& set);
  ExprId utf8(const CodePointSet& set);
  ExprId escaped(const CodePointSet& set);
  ExprId hex_escape(char32_t first, char32_t last);
  ExprId surrogate_pairs(char32_t first, char32_t last);

  ExprPool& pool_;
  TextForm form_;
  std::map<std::vector<CodePointRange>, ExprId> known_;  // of one_of()
};

}  // namespace tinyllm
