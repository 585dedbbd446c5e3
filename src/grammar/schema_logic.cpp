// Keywords of SchemaExpander that combine schemas.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "grammar/grammar.h"
#include "grammar/schema_expander.h"

namespace tinyllm {

void SchemaExpander::do_all_of(Branch& branch, const Keyword& keyword) {
  if (!keyword.value.is_array()) refuse_value(keyword, "an array of schemas");
  Choice none;
  for (const Schema& part : keyword.value) {
    if (keyword.is_negated) {
      none.push_back({term(part, true)});
    } else {
      branch.todo.push_back(term(part));
    }
  }
  if (keyword.is_negated) choose(branch, std::move(none));
}

void SchemaExpander::do_any_of(Branch& branch, const Keyword& keyword) {
  if (!keyword.value.is_array()) refuse_value(keyword, "an array of schemas");
  Choice choice;
  for (const Schema& part : keyword.value) {
    if (keyword.is_negated) {
      branch.todo.push_back(term(part, true));
    } else {
      choice.push_back({term(part)});
    }
  }
  if (!keyword.is_negated) choose(branch, std::move(choice));
}

// One holds and the others do not. Others that cannot hold beside it need no negation.
void SchemaExpander::do_one_of(Branch& branch, const Keyword& keyword) {
  if (!keyword.value.is_array()) refuse_value(keyword, "an array of schemas");
  if (keyword.is_negated) refuse_negation(keyword);
  Choice choice;
  for (const Schema& part : keyword.value) {
    SchemaTerms terms = {term(part)};
    for (const Schema& other : keyword.value) {
      if (&other == &part) continue;
      if (!is_impossible({term(part), term(other)})) terms.push_back(term(other, true));
    }
    choice.push_back(std::move(terms));
  }
  choose(branch, std::move(choice));
}

void SchemaExpander::do_not(Branch& branch, const Keyword& keyword) {
  branch.todo.push_back(term(keyword.value, !keyword.is_negated));
}

void SchemaExpander::do_if(Branch& branch, const Keyword& keyword) {
  const auto then = keyword.schema.find("then"), otherwise = keyword.schema.find("else");
  const bool has_then = then != keyword.schema.end(), has_else = otherwise != keyword.schema.end();
  Choice choice;
  if (has_then || !keyword.is_negated) {
    choice.push_back({term(keyword.value)});
    if (has_then) choice.back().push_back(term(*then, keyword.is_negated));
  }
  if (has_else || !keyword.is_negated) {
    choice.push_back({term(keyword.value, true)});
    if (has_else) choice.back().push_back(term(*otherwise, keyword.is_negated));
  }
  if (has_then || has_else || keyword.is_negated) choose(branch, std::move(choice));
}

void SchemaExpander::do_ref(Branch& branch, const Keyword& keyword) {
  if (!keyword.value.is_string()) refuse_value(keyword, "a string");
  const Schema& target =
      document_.resolve(keyword.schema, keyword.value.get_ref<const std::string&>());
  if (cycles_.has_cycle(target)) {
    refuse(keyword, "leads back to itself without looking into the value");
  }
  branch.todo.push_back(term(target, keyword.is_negated));
}

// Where there is one resource, its scope is known: the reference is a plain one.
void SchemaExpander::do_dynamic_ref(Branch& branch, const Keyword& keyword) {
  if (!document_.has_one_resource()) refuse(keyword, "cannot be enforced: its scope is dynamic");
  do_ref(branch, keyword);
}

void SchemaExpander::do_refused(Branch&, const Keyword& keyword) {
  refuse(keyword, "cannot be enforced");
}

void SchemaExpander::do_dependent_required(Branch& branch, const Keyword& keyword) {
  if (!keyword.value.is_object()) refuse_value(keyword, "an object");
  for (const auto& [name, names] : keyword.value.items()) {
    add_dependent_required(branch, keyword, name, names);
  }
}

void SchemaExpander::do_dependent_schemas(Branch& branch, const Keyword& keyword) {
  if (!keyword.value.is_object()) refuse_value(keyword, "an object");
  for (const auto& [name, schema] : keyword.value.items()) {
    add_dependent_schema(branch, keyword, name, schema);
  }
}

void SchemaExpander::do_dependencies(Branch& branch, const Keyword& keyword) {
  if (!keyword.value.is_object()) refuse_value(keyword, "an object");
  if (document_.draft() > SchemaDraft::draft7) {
    refuse(keyword, "is of an older draft: write 'dependentRequired' or 'dependentSchemas'");
  }
  for (const auto& [name, value] : keyword.value.items()) {
    if (value.is_array()) {
      add_dependent_required(branch, keyword, name, value);
    } else {
      add_dependent_schema(branch, keyword, name, value);
    }
  }
}

void SchemaExpander::add_dependent_required(Branch& branch, const Keyword& keyword,
                                            const std::string& name, const Schema& names) {
  if (keyword.is_negated) refuse_negation(keyword);
  if (!names.is_array()) refuse_value(keyword, "an object of arrays");
  if (names.empty()) return;
  Schema required = names;
  required.push_back(name);
  Choice choice;
  choice.push_back({made({{"properties", {{name, false}}}}, keyword)});
  choice.push_back({made({{"required", required}}, keyword)});
  choose(branch, std::move(choice));
}

void SchemaExpander::add_dependent_schema(Branch& branch, const Keyword& keyword,
                                          const std::string& name, const Schema& schema) {
  if (keyword.is_negated) refuse_negation(keyword);
  const Schema required = {{"required", Schema::array({name})}};
  Choice choice;
  choice.push_back({made({{"properties", {{name, false}}}}, keyword)});
  choice.push_back({made(required, keyword), term(schema)});
  choose(branch, std::move(choice));
}

}  // namespace tinyllm
