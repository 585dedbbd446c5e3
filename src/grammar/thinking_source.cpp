// What a model thinks before it writes the text that is asked for: free up to the first text that ends
// it. A model that does not think begins with the text at once.

#include "grammar/char_encoder.h"
#include "grammar/sources.h"
#include "grammar/text_set.h"

namespace tinyllm {

Symbol add_thinking(const GrammarThinking& thinking, Symbol text, ExprPool& pool, RuleSet& rules) {
  CharEncoder encoder(pool, TextForm::plain);
  const Symbol thought = rules.lexeme(text_up_to(encoder, any_text_of(encoder, thinking.ends)));
  const Symbol space = rules.lexeme(short_space(encoder));
  const Symbol whole = rules.add_nonterminal();
  if (thinking.has_begun) {
    rules.add_rule(whole, {thought, space, text});
    return whole;
  }
  const Symbol begin = rules.lexeme(any_text_of(encoder, thinking.begins));
  rules.add_rule(whole, {text});
  rules.add_rule(whole, {begin, thought, space, text});
  return whole;
}

}  // namespace tinyllm
