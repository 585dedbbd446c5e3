#pragma once
// References of a JSON schema that come back to where they began before anything looked into the
// value: {"$ref": "#"}, or "a" that is "b" that is "a". Such a schema says nothing that could be
// judged. Recursion through properties or items is none of these. One thread.

#include <unordered_set>
#include <vector>

#include "grammar/schema_document.h"

namespace tinyllm {

class SchemaCycles {
 public:
  explicit SchemaCycles(const SchemaDocument& document) : document_(document) {}

  // Whether a value that follows `schema` would be held against one of the same schemas for ever.
  // Each schema is looked at once in the life of this object.
  bool has_cycle(const Schema& schema);

 private:
  // The schemas that the same value is held against next.
  std::vector<const Schema*> parts_of(const Schema& schema) const;

  const SchemaDocument& document_;
  std::unordered_set<const Schema*> without_;  // have no cycle
};

}  // namespace tinyllm
