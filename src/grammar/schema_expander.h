#pragma once
// From what holds (SchemaTerms) to plain conjunctions (SchemaFacts): references are followed, allOf
// is merged, each way through anyOf, oneOf and if becomes a SchemaFacts of its own, and negations
// move inwards. Throws GrammarRefusal for what has no exact form. One thread.

#include <set>
#include <string>
#include <vector>

#include "grammar/json_lexemes.h"
#include "grammar/schema_cycles.h"
#include "grammar/schema_facts.h"

namespace tinyllm {

class SchemaExpander {
 public:
  SchemaExpander(SchemaDocument& document, JsonLexemes& lexemes)
      : document_(document),
        cycles_(document),
        lexemes_(lexemes),
        pool_(lexemes.encoder().pool()) {}

  // A value follows `terms` if it follows one of these.
  std::vector<SchemaFacts> expand(const SchemaTerms& terms);

  // Whether no value follows the terms, as far as it is seen without effort: false may be wrong.
  bool is_impossible(const SchemaTerms& terms, int depth = 3);

 private:
  using Choice = std::vector<SchemaTerms>;  // one of them holds
  struct Branch {
    SchemaFacts facts;
    SchemaTerms todo;
    std::set<SchemaTerm> seen;
    std::vector<Choice> choices;
  };
  // A keyword's value inside its schema, to hold or not to hold.
  struct Keyword {
    const Schema& schema;
    const std::string& name;
    const Schema& value;
    bool is_negated;
  };
  using Handler = void (SchemaExpander::*)(Branch&, const Keyword&);

  static Handler find_handler(std::string_view keyword);
  void run(Branch branch, std::vector<SchemaFacts>& out);
  void apply(Branch& branch, const SchemaTerm& term);
  void apply_schema(Branch& branch, const Schema& schema);
  void apply_negated_schema(Branch& branch, const Schema& schema);
  void apply_keyword(Branch& branch, const Schema& schema, const std::string& name,
                     bool is_negated);
  void choose(Branch& branch, Choice choice);
  bool is_impossible(const SchemaFacts& facts, int depth);
  bool ignores_siblings(const Schema& schema) const;

  [[noreturn]] void refuse(const Keyword& keyword, std::string_view reason) const;
  [[noreturn]] void refuse_value(const Keyword& keyword, std::string_view wanted) const;
  [[noreturn]] void refuse_negation(const Keyword& keyword) const;
  std::uint64_t count(const Keyword& keyword) const;
  void forbid_all(Branch& branch) { branch.facts.types = 0; }
  static void keep_types(Branch& branch, int types) {
    branch.facts.types &= static_cast<std::uint8_t>(types);
  }
  SchemaTerm term(const Schema& schema, bool is_negated = false) const {
    return {&schema, "", is_negated};
  }
  SchemaTerm made(Schema schema, const Keyword& keyword);

  // schema_logic.cpp
  void do_all_of(Branch& branch, const Keyword& keyword);
  void do_any_of(Branch& branch, const Keyword& keyword);
  void do_one_of(Branch& branch, const Keyword& keyword);
  void do_not(Branch& branch, const Keyword& keyword);
  void do_if(Branch& branch, const Keyword& keyword);
  void do_ref(Branch& branch, const Keyword& keyword);
  void do_dynamic_ref(Branch& branch, const Keyword& keyword);
  void do_refused(Branch& branch, const Keyword& keyword);
  void do_dependent_required(Branch& branch, const Keyword& keyword);
  void do_dependent_schemas(Branch& branch, const Keyword& keyword);
  void do_dependencies(Branch& branch, const Keyword& keyword);
  void add_dependent_required(Branch& branch, const Keyword& keyword, const std::string& name,
                              const Schema& names);
  void add_dependent_schema(Branch& branch, const Keyword& keyword, const std::string& name,
                            const Schema& schema);

  // schema_scalars.cpp
  void do_type(Branch& branch, const Keyword& keyword);
  void do_const(Branch& branch, const Keyword& keyword);
  void do_enum(Branch& branch, const Keyword& keyword);
  void do_bound(Branch& branch, const Keyword& keyword);
  void do_multiple_of(Branch& branch, const Keyword& keyword);
  void do_length(Branch& branch, const Keyword& keyword);
  void do_pattern(Branch& branch, const Keyword& keyword);
  void do_format(Branch& branch, const Keyword& keyword);
  void add_values(Branch& branch, const Keyword& keyword, const std::vector<const Schema*>& values);
  SchemaTerm exact(const Schema& value, const Keyword& keyword);
  void add_bound(Branch& branch, bool is_low, const NumberBound& bound) const;

  // schema_containers.cpp
  void do_items(Branch& branch, const Keyword& keyword);
  void do_item_count(Branch& branch, const Keyword& keyword);
  void do_unique_items(Branch& branch, const Keyword& keyword);
  void do_contains(Branch& branch, const Keyword& keyword);
  void do_properties(Branch& branch, const Keyword& keyword);
  void do_required(Branch& branch, const Keyword& keyword);
  void do_property_count(Branch& branch, const Keyword& keyword);
  void do_property_names(Branch& branch, const Keyword& keyword);
  void do_unevaluated(Branch& branch, const Keyword& keyword);
  void negate_items(Branch& branch, const Keyword& keyword);
  void negate_properties(Branch& branch, const Keyword& keyword);
  ArrayRule array_rule(const Schema& schema) const;
  ObjectRule object_rule(const Schema& schema);
  ExprId name_pattern(const Schema& schema, const std::string& pattern);
  // Appends what `schema` and what always applies with it look at; false: everything.
  bool find_evaluated(const Schema& schema, const Keyword& keyword, ObjectRule& properties,
                      std::size_t& n_items, int depth);

  SchemaDocument& document_;
  SchemaCycles cycles_;
  JsonLexemes& lexemes_;
  ExprPool& pool_;
  std::size_t n_expansions_ = 0;
};

}  // namespace tinyllm
