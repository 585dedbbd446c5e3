#include "grammar/json_lexemes.h"

#include "grammar/number_exprs.h"
#include "grammar/sources.h"

namespace tinyllm {
namespace {

constexpr std::uint32_t kMaxBlanks = 8, kMaxIndentation = 40;

ExprId bounded_space(ExprPool& pool) {
  ByteSet blank;
  blank.insert(' ');
  blank.insert('\t');
  const ExprId line = pool.concat({pool.optional(pool.byte('\r')), pool.byte('\n'),
                                   pool.repeat(pool.bytes(blank), 0, kMaxIndentation)});
  return pool.concat(pool.repeat(pool.bytes(blank), 0, kMaxBlanks), pool.optional(line));
}

}  // namespace

JsonLexemes::JsonLexemes(ExprPool& pool, RuleSet& rules, TextForm form, std::string_view never)
    : pool_(pool), rules_(rules), encoder_(pool, form) {
  space_ = bounded_space(pool);
  any_body_ = pool.repeat(encoder_.any(), 0, kNoLimit);
  if (!never.empty())
    allowed_ = pool.complement(pool.concat({kAnyText, pool.text(never), kAnyText}));
}

ExprId JsonLexemes::quoted(ExprId body) {
  const ExprId allowed = allowed_ == kAnyText ? body : pool_.all_of({body, allowed_});
  return pool_.concat({pool_.byte('"'), allowed, pool_.byte('"')});
}

Symbol JsonLexemes::key(ExprId body, bool is_first) {
  const ExprId comma = is_first ? kEmptyText : pool_.concat(space_, pool_.byte(','));
  return rules_.lexeme(pool_.concat({comma, space_, quoted(body), space_, pool_.byte(':')}));
}

Symbol JsonLexemes::end_of_text() {
  return rules_.lexeme(
      pool_.optional(pool_.concat(pool_.optional(pool_.byte('\r')), pool_.byte('\n'))));
}

Symbol JsonLexemes::any_value() {
  if (!any_) add_any_value();
  return any_->first;
}

Symbol JsonLexemes::any_object() {
  if (!any_) add_any_value();
  return any_->second;
}

void JsonLexemes::add_any_value() {
  const Symbol value = rules_.add_nonterminal(), object = rules_.add_nonterminal();
  any_ = {value, object};
  const ExprId names = pool_.any_of({pool_.text("null"), pool_.text("true"), pool_.text("false")});
  rules_.add_rule(value, {word(names)});
  rules_.add_rule(value, {word(any_number(pool_, NumberSet::any))});
  rules_.add_rule(value, {string(any_body_)});
  rules_.add_rule(value, {object});

  const Symbol elements = rules_.add_nonterminal();
  rules_.add_rule(value, {word("["), word("]")});
  rules_.add_rule(value, {word("["), value, elements});
  rules_.add_rule(elements, {word("]")});
  rules_.add_rule(elements, {word(","), value, elements});

  const Symbol members = rules_.add_nonterminal();
  rules_.add_rule(object, {word("{"), word("}")});
  rules_.add_rule(object, {word("{"), key(any_body_, true), value, members});
  rules_.add_rule(members, {word("}")});
  rules_.add_rule(members, {key(any_body_, false), value, members});
}

Symbol add_json_object(ExprPool& pool, RuleSet& rules) {
  JsonLexemes json(pool, rules);
  const Symbol text = rules.add_nonterminal();
  rules.add_rule(text, {json.any_object(), json.end_of_text()});
  return text;
}

}  // namespace tinyllm
