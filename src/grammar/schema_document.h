#pragma once
// A JSON schema as text and references: which draft it follows, what "$ref" points to, and the
// pointer of every part for messages. Owns the document, and schemas that the compiler makes up.
// One thread.

#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.h"

namespace tinyllm {

using Schema = nlohmann::ordered_json;

// Drafts differ in the meaning of "items", "$ref" beside others, and the bounds' "exclusive...".
enum class SchemaDraft : std::uint8_t { draft4, draft6, draft7, draft2019, draft2020 };

// Throws GrammarRefusal: "JSON schema: #/properties/a: 'uniqueItems' cannot be enforced: ...".
[[noreturn]] void refuse_schema(const std::string& pointer, std::string_view keyword,
                                std::string_view reason, ErrorCode code = ErrorCode::unsupported);

class SchemaDocument {
 public:
  explicit SchemaDocument(const std::string& text);
  ~SchemaDocument();
  SchemaDocument(const SchemaDocument&) = delete;
  SchemaDocument& operator=(const SchemaDocument&) = delete;

  const Schema& root() const;
  SchemaDraft draft() const { return draft_; }
  const std::string& pointer(const Schema& schema) const;
  // What a "$ref" inside `schema` points to.
  const Schema& resolve(const Schema& schema, const std::string& reference) const;
  // Whether "$id" names no second document inside.
  bool has_one_resource() const { return n_resources_ <= 1; }
  // A schema that stands in no document; messages give it the pointer of `origin`.
  const Schema& make(Schema schema, const Schema& origin);

 private:
  struct Place {
    std::string pointer;
    std::string base;  // URI that references are relative to
  };

  void read_draft();
  // `kind`: what the value is by its place.
  enum class Kind : std::uint8_t { schema, schema_list, schema_map, data };
  static Kind kind_of(const std::string& keyword);
  void index(const Schema& schema, const std::string& pointer, const std::string& base, Kind kind);
  void index_names(const Schema& schema, std::string& base);

  std::deque<Schema> schemas_;  // the document, then what was made up
  SchemaDraft draft_ = SchemaDraft::draft2020;
  std::size_t n_resources_ = 0;  // objects with an "$id"
  std::unordered_map<const Schema*, Place> places_;
  std::unordered_map<std::string, const Schema*> resources_;  // by URI, "uri#anchor" too
};

}  // namespace tinyllm
