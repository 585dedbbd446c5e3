#pragma once
// From SchemaFacts to rules: a nonterminal for each set of SchemaTerms that a value must follow, so
// that recursive schemas become recursive rules. One thread.

#include <map>
#include <vector>

#include "grammar/schema_expander.h"

namespace tinyllm {

class SchemaCompiler {
 public:
  SchemaCompiler(SchemaDocument& document, JsonLexemes& lexemes, RuleSet& rules);

  // The symbol of values that follow the whole document.
  Symbol compile();

 private:
  struct Waiting {
    Symbol symbol;
    SchemaTerms terms;
  };
  // A place inside an array: elements so far (as far as they count), and of them those that each
  // "contains" has counted.
  using ArrayState = std::vector<std::uint64_t>;
  // A place inside an object, see schema_objects.cpp.
  using ObjectState = std::vector<std::size_t>;
  struct ObjectPlan;
  struct UndeclaredKey;

  Symbol value_of(SchemaTerms terms);
  void add_value(Symbol symbol, const SchemaTerms& terms);
  void add_scalars(Symbol symbol, const SchemaFacts& facts);

  // schema_arrays.cpp
  void add_array(Symbol symbol, const SchemaFacts& facts);
  void add_array_state(const SchemaFacts& facts, const ArrayState& state, Symbol symbol,
                       std::map<ArrayState, Symbol>& states, std::vector<ArrayState>& waiting);
  void check_array(const SchemaFacts& facts) const;

  // schema_objects.cpp
  void add_object(Symbol symbol, const SchemaFacts& facts);
  ObjectPlan plan_object(const SchemaFacts& facts);
  void add_declared(const SchemaFacts& facts, ObjectPlan& plan);
  void add_undeclared(const SchemaFacts& facts, ObjectPlan& plan);
  ExprId allowed_names(const SchemaFacts& facts);
  void check_object(const SchemaFacts& facts, const ObjectPlan& plan) const;
  void add_object_state(const SchemaFacts& facts, const ObjectPlan& plan, const ObjectState& state,
                        Symbol symbol, std::map<ObjectState, Symbol>& states,
                        std::vector<ObjectState>& waiting);

  SchemaDocument& document_;
  JsonLexemes& lexemes_;
  ExprPool& pool_;
  RuleSet& rules_;
  SchemaExpander expander_;
  std::map<SchemaTerms, Symbol> values_;
  std::vector<Waiting> waiting_;
};

}  // namespace tinyllm
