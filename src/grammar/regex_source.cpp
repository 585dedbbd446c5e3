#include "grammar/regex_lowering.h"
#include "grammar/sources.h"

namespace tinyllm {

Symbol add_regex(const std::string& pattern, ExprPool& pool, RuleSet& rules) {
  CharEncoder encoder(pool, TextForm::plain);
  const RegexNode node = parse_regex(pattern, "regex");
  return rules.lexeme(lower_regex(encoder, node, RegexScope::whole, "regex"));
}

}  // namespace tinyllm
