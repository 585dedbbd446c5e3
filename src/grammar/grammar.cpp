#include "grammar/grammar.h"

#include <utility>

#include "grammar/grammar_parts.h"
#include "grammar/matcher.h"
#include "grammar/positions.h"
#include "grammar/sources.h"

namespace tinyllm {
namespace {

constexpr std::size_t kMaxSourceBytes = 2 << 20;

Symbol add_source(const GrammarSource& source, ExprPool& pool, RuleSet& rules) {
  switch (source.kind) {
    case GrammarKind::json_schema: return add_json_schema(source.text, pool, rules);
    case GrammarKind::json_object: return add_json_object(pool, rules);
    case GrammarKind::regex: return add_regex(source.text, pool, rules);
    case GrammarKind::choice: return add_choice(source.choices, pool, rules);
    case GrammarKind::gbnf: return add_gbnf(source.text, pool, rules);
    case GrammarKind::structural_tag: return add_structural_tag(source.text, pool, rules);
    case GrammarKind::structure: return add_structures(source.text, StructuresAs::one, pool, rules);
    case GrammarKind::structures:
      return add_structures(source.text, StructuresAs::array, pool, rules);
    case GrammarKind::added: return source.added.add(pool, rules);
  }
  return 0;
}

Symbol add_parts(const GrammarSource& source, ExprPool& pool, RuleSet& rules) {
  Symbol whole = add_source(source, pool, rules);
  if (source.or_added.add) {
    const Symbol either = rules.add_nonterminal();
    rules.add_rule(either, {whole});
    rules.add_rule(either, {source.or_added.add(pool, rules)});
    whole = either;
  }
  return source.thinking ? add_thinking(*source.thinking, whole, pool, rules) : whole;
}

[[noreturn]] void refuse(ErrorCode code, const std::string& message) {
  throw GrammarRefusal(code, message, "", "");
}

void check_size(const GrammarSource& source) {
  std::size_t n_bytes = source.text.size() + source.added.key.size() + source.or_added.key.size();
  for (const std::string& choice : source.choices) n_bytes += choice.size();
  if (n_bytes > kMaxSourceBytes) {
    refuse(ErrorCode::invalid_input,
           fmt::format("the grammar's source has {} bytes, must be at most {}", n_bytes,
                       kMaxSourceBytes));
  }
}

void compile_into(GrammarParts& parts, const GrammarSource& source) {
  parts.pool.set_max_work(kMaxCompileWork);
  parts.is_json =
      (source.kind == GrammarKind::json_schema || source.kind == GrammarKind::json_object) &&
      !source.or_added.add;
  const Symbol root = add_parts(source, parts.pool, parts.rules);
  const bool matches = parts.rules.finish(root, [&](ExprId e) {
    if (e == kNothing) return false;
    if (parts.pool.is_plain(e)) return true;
    return LexemeAutomaton(parts.pool, e).start() != kDeadState;
  });
  if (parts.pool.overflowed()) {
    refuse(ErrorCode::unsupported, "the grammar is too complex: it needs too many expressions");
  }
  if (!matches) refuse(ErrorCode::invalid_input, "the grammar matches no text");
  if (Positions(parts.rules, parts.lexemes, kMaxMatcherBytes).overflowed()) {
    refuse(ErrorCode::unsupported, "the grammar is too complex: its texts begin in too many ways");
  }
  parts.pool.set_max_nodes(kMaxExprs);
  parts.pool.set_max_work(parts.pool.n_work() + kMaxMatchWork);  // of a matcher's start
  parts.publish();
}

}  // namespace

Grammar::Grammar(std::unique_ptr<GrammarParts> parts) : parts_(std::move(parts)) {}
Grammar::~Grammar() = default;

bool Grammar::is_worn() const {
  return parts_->overflowed.load(std::memory_order_relaxed) ||
         parts_->n_nodes.load(std::memory_order_relaxed) > kMaxExprs / 2;
}

std::size_t Grammar::n_bytes() const {
  constexpr std::size_t kBytesAnExpr = 160, kBytesASymbol = 40;  // with their index entries
  return parts_->n_nodes.load(std::memory_order_relaxed) * kBytesAnExpr +
         parts_->rules.n_symbols() * kBytesASymbol;
}

std::shared_ptr<const Grammar> Grammar::compile(const GrammarSource& source) {
  check_size(source);
  auto parts = std::make_unique<GrammarParts>();
  try {
    compile_into(*parts, source);
  } catch (const GrammarRefusal&) {
    throw;
  } catch (const Error& error) {
    refuse(error.code(), error.what());
  }
  return std::make_shared<const Grammar>(std::move(parts));
}

}  // namespace tinyllm
