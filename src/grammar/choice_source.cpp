#include "base/error.h"
#include "base/utf8.h"
#include "grammar/sources.h"
#include "grammar/text_set.h"

namespace tinyllm {

Symbol add_choice(std::span<const std::string> choices, ExprPool& pool, RuleSet& rules) {
  for (const std::string& choice : choices) {
    if (!is_valid_utf8(choice)) fail(ErrorCode::invalid_input, "choice: a text is not UTF-8");
  }
  CharEncoder encoder(pool, TextForm::plain);
  return rules.lexeme(any_text_of(encoder, {choices.begin(), choices.end()}));
}

}  // namespace tinyllm
