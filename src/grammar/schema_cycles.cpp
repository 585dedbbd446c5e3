#include "grammar/schema_cycles.h"

#include <nlohmann/json.hpp>

namespace tinyllm {

std::vector<const Schema*> SchemaCycles::parts_of(const Schema& schema) const {
  std::vector<const Schema*> parts;
  if (!schema.is_object()) return parts;
  const auto add_reference = [&](const char* name) {
    const auto found = schema.find(name);
    if (found == schema.end() || !found->is_string()) return false;
    parts.push_back(&document_.resolve(schema, found->get_ref<const std::string&>()));
    return true;
  };
  if (add_reference("$ref") && document_.draft() <= SchemaDraft::draft7) return parts;
  if (document_.has_one_resource()) add_reference("$dynamicRef");
  for (const char* name : {"not", "if", "then", "else"}) {
    const auto found = schema.find(name);
    if (found != schema.end()) parts.push_back(&*found);
  }
  for (const char* name : {"allOf", "anyOf", "oneOf", "dependentSchemas", "dependencies"}) {
    const auto found = schema.find(name);
    if (found == schema.end() || !found->is_structured()) continue;
    for (const Schema& part : *found) parts.push_back(&part);
  }
  return parts;
}

// Depth first, without recursion: a chain of references may be long.
bool SchemaCycles::has_cycle(const Schema& schema) {
  struct Place {
    const Schema* schema;
    std::vector<const Schema*> parts;
    std::size_t n_seen = 0;
  };
  if (without_.contains(&schema)) return false;
  std::vector<Place> path = {{&schema, parts_of(schema)}};
  std::unordered_set<const Schema*> on_path = {&schema};
  while (!path.empty()) {
    Place& place = path.back();
    if (place.n_seen == place.parts.size()) {
      without_.insert(place.schema);
      on_path.erase(place.schema);
      path.pop_back();
      continue;
    }
    const Schema* next = place.parts[place.n_seen++];
    if (without_.contains(next)) continue;
    if (!on_path.insert(next).second) return true;
    path.push_back({next, parts_of(*next)});
  }
  return false;
}

}  // namespace tinyllm
