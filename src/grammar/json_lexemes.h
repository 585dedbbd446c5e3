#pragma once
// The words of JSON texts as lexemes. White space stands before a word and is bounded, so that a
// model cannot idle in it: some blanks, then at most one line end with an indentation.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "grammar/char_encoder.h"
#include "grammar/rule_set.h"

namespace tinyllm {

class JsonLexemes {
 public:
  // `form`: of what stands between the quotes. It never holds `never`, if that is not empty.
  JsonLexemes(ExprPool& pool, RuleSet& rules, TextForm form = TextForm::json_string,
              std::string_view never = {});

  CharEncoder& encoder() { return encoder_; }
  ExprId any_body() const { return any_body_; }  // between the quotes of a string

  // Symbols of the rules. The word is plain text or an expression.
  Symbol word(ExprId word) { return rules_.lexeme(pool_.concat(space_, word)); }
  Symbol word(std::string_view text) { return word(pool_.text(text)); }
  Symbol string(ExprId body) { return word(quoted(body)); }
  // A property's name and its colon; behind a comma unless it is the first.
  Symbol key(ExprId body, bool is_first);
  // One line end behind the whole text.
  Symbol end_of_text();

  // Any JSON value, and any object.
  Symbol any_value();
  Symbol any_object();

 private:
  ExprId quoted(ExprId body);
  void add_any_value();

  ExprPool& pool_;
  RuleSet& rules_;
  CharEncoder encoder_;
  ExprId space_ = kEmptyText, any_body_ = kNothing;
  ExprId allowed_ = kAnyText;                     // between quotes, by its bytes
  std::optional<std::pair<Symbol, Symbol>> any_;  // value, object
};

}  // namespace tinyllm
