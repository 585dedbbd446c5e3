// What a model thinks before it writes the text that is asked for: free up to the first text that ends
// it. A model that does not think begins with the text at once.

#include <utility>
#include <vector>

#include "base/utf8.h"
#include "grammar/char_encoder.h"
#include "grammar/sources.h"
#include "grammar/text_set.h"

namespace tinyllm {
namespace {

// Special tokens are bytes of no text.
bool is_special(const std::string& mark) { return !is_valid_utf8(mark); }

ExprId texts_of(CharEncoder& encoder, std::vector<std::string> marks) {
  std::erase_if(marks, is_special);
  return any_text_of(encoder, std::move(marks));
}

ExprId tokens_of(ExprPool& pool, const std::vector<std::string>& marks) {
  std::vector<ExprId> tokens;
  for (const std::string& mark : marks) {
    if (is_special(mark)) tokens.push_back(pool.text(mark));
  }
  return pool.any_of(tokens);
}

}  // namespace

Symbol add_thinking(const GrammarThinking& thinking, Symbol text, ExprPool& pool, RuleSet& rules) {
  CharEncoder encoder(pool, TextForm::plain);
  const ExprId end = texts_of(encoder, thinking.ends);
  const Symbol thought = rules.lexeme(
      pool.any_of({text_up_to(encoder, end),
                   pool.concat(text_without(encoder, end), tokens_of(pool, thinking.ends))}));
  const Symbol space = rules.lexeme(short_space(encoder));
  const Symbol whole = rules.add_nonterminal();
  if (thinking.has_begun) {
    rules.add_rule(whole, {thought, space, text});
    return whole;
  }
  const Symbol begin = rules.lexeme(
      pool.any_of({texts_of(encoder, thinking.begins), tokens_of(pool, thinking.begins)}));
  rules.add_rule(whole, {text});
  rules.add_rule(whole, {begin, thought, space, text});
  return whole;
}

}  // namespace tinyllm
