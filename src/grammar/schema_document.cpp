#include "grammar/schema_document.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_parse.h"
#include "base/quote.h"
#include "grammar/grammar.h"

namespace tinyllm {
namespace {

constexpr std::size_t kMaxDepth = 200;

std::string escaped(const std::string& name) {
  std::string result;
  for (const char c : name) {
    if (c == '~') {
      result += "~0";
    } else if (c == '/') {
      result += "~1";
    } else {
      result += c;
    }
  }
  return result;
}

std::string without_fragment(const std::string& uri) { return uri.substr(0, uri.find('#')); }

bool has_scheme(std::string_view uri) {
  const std::size_t end = uri.find_first_of(":/?#");
  return end != std::string_view::npos && end > 0 && uri[end] == ':';
}

// RFC 3986, section 5, without dot segments.
std::string joined(const std::string& base, const std::string& reference) {
  if (reference.empty()) return base;
  if (has_scheme(reference)) return reference;
  if (reference[0] == '#') return without_fragment(base) + reference;
  const std::string stem = without_fragment(base);
  const std::size_t scheme_end = stem.find("://");
  const std::size_t path =
      scheme_end == std::string::npos ? std::string::npos : stem.find('/', scheme_end + 3);
  if (reference[0] == '/') return stem.substr(0, path) + reference;
  const std::size_t last = stem.rfind('/');
  if (scheme_end != std::string::npos && path == std::string::npos) return stem + "/" + reference;
  return last == std::string::npos ? reference : stem.substr(0, last + 1) + reference;
}

std::string percent_decoded(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto is_hex = [&](std::size_t at) {
      return at < text.size() && std::isxdigit(static_cast<unsigned char>(text[at])) != 0;
    };
    if (text[i] == '%' && is_hex(i + 1) && is_hex(i + 2)) {
      result += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

const Schema* find_string(const Schema& schema, const char* keyword) {
  const auto found = schema.find(keyword);
  return found != schema.end() && found->is_string() ? &*found : nullptr;
}

}  // namespace

void refuse_schema(const std::string& pointer, std::string_view keyword, std::string_view reason,
                   ErrorCode code) {
  const std::string subject = keyword.empty() ? "" : fmt::format("'{}' ", keyword);
  throw GrammarRefusal(code, fmt::format("JSON schema: {}: {}{}", quote(pointer), subject, reason),
                       std::string(keyword), pointer);
}

SchemaDocument::SchemaDocument(const std::string& text) {
  schemas_.push_back(parse_ordered_json(text, "JSON schema", {.max_depth = kMaxDepth}));
  if (root().is_object()) read_draft();
  index(root(), "#", "", Kind::schema);
}

SchemaDocument::~SchemaDocument() = default;

const Schema& SchemaDocument::root() const { return schemas_.front(); }

void SchemaDocument::read_draft() {
  const Schema* uri = find_string(root(), "$schema");
  if (!uri) return;
  const std::string name = uri->get<std::string>();
  for (const auto& [word, draft] : {std::pair{"/draft-04/", SchemaDraft::draft4},
                                    {"/draft-06/", SchemaDraft::draft6},
                                    {"/draft-07/", SchemaDraft::draft7},
                                    {"/draft/2019-09/", SchemaDraft::draft2019},
                                    {"/draft/2020-12/", SchemaDraft::draft2020}}) {
    if (name.find(std::string("json-schema.org") + word) != std::string::npos) {
      draft_ = draft;
      return;
    }
  }
  refuse_schema("#", "$schema", "names a draft that is not known: " + quote(name));
}

// "$id" and anchors of one object; `base` becomes that of what stands below.
void SchemaDocument::index_names(const Schema& schema, std::string& base) {
  const bool is_old = draft_ <= SchemaDraft::draft7;
  const Schema* id = find_string(schema, draft_ == SchemaDraft::draft4 ? "id" : "$id");
  if (id && is_old && schema.contains("$ref")) id = nullptr;  // beside "$ref" nothing counts
  if (id) {
    const std::string uri = joined(base, id->get<std::string>());
    if (id->get_ref<const std::string&>().starts_with('#')) {
      resources_.emplace(uri, &schema);
    } else {
      base = without_fragment(uri);
      ++n_resources_;
      resources_.emplace(base, &schema);
    }
  }
  for (const char* keyword : {"$anchor", "$dynamicAnchor"}) {
    if (const Schema* anchor = find_string(schema, keyword)) {
      resources_.emplace(base + "#" + anchor->get<std::string>(), &schema);
    }
  }
}

SchemaDocument::Kind SchemaDocument::kind_of(const std::string& keyword) {
  for (const char* name : {"$defs", "definitions", "dependencies", "dependentSchemas",
                           "patternProperties", "properties"}) {
    if (keyword == name) return Kind::schema_map;
  }
  for (const char* name : {"allOf", "anyOf", "oneOf", "prefixItems"}) {
    if (keyword == name) return Kind::schema_list;
  }
  for (const char* name :
       {"additionalItems", "additionalProperties", "contains", "else", "if", "items", "not",
        "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"}) {
    if (keyword == name) return Kind::schema;
  }
  return Kind::data;
}

void SchemaDocument::index(const Schema& schema, const std::string& pointer,
                           const std::string& base, Kind kind) {
  std::string inner = base;
  if (schema.is_object() && kind == Kind::schema) {
    if (pointer == "#") resources_.emplace(base, &schema);
    index_names(schema, inner);
  }
  places_.emplace(&schema, Place{pointer, inner});
  if (schema.is_object()) {
    for (const auto& [name, value] : schema.items()) {
      if (kind == Kind::schema && (name == "enum" || name == "const")) continue;
      Kind inner_kind = kind == Kind::schema_map ? Kind::schema : Kind::data;
      if (kind == Kind::schema) inner_kind = kind_of(name);
      index(value, pointer + "/" + escaped(name), inner, inner_kind);
    }
  } else if (schema.is_array()) {
    for (std::size_t i = 0; i < schema.size(); ++i) {
      const bool is_schema =
          kind == Kind::schema_list || kind == Kind::schema;  // draft 7's "items"
      index(schema[i], pointer + "/" + std::to_string(i), inner,
            is_schema ? Kind::schema : Kind::data);
    }
  }
}

const std::string& SchemaDocument::pointer(const Schema& schema) const {
  static const std::string root_pointer = "#";
  const auto found = places_.find(&schema);
  return found == places_.end() ? root_pointer : found->second.pointer;
}

const Schema& SchemaDocument::resolve(const Schema& schema, const std::string& reference) const {
  const auto place = places_.find(&schema);
  const std::string uri =
      joined(place == places_.end() ? "" : place->second.base, percent_decoded(reference));
  const auto named = resources_.find(uri.ends_with('#') ? without_fragment(uri) : uri);
  if (named != resources_.end()) return *named->second;
  const std::size_t hash = uri.find('#');
  const auto resource = resources_.find(without_fragment(uri));
  if (resource != resources_.end() && hash != std::string::npos) {
    try {
      const nlohmann::ordered_json::json_pointer pointer(uri.substr(hash + 1));
      if (resource->second->contains(pointer)) {
        const Schema& target = resource->second->at(pointer);
        if (places_.contains(&target)) return target;
      }
    } catch (const nlohmann::ordered_json::exception&) {
      // no JSON pointer: refused below
    }
  }
  refuse_schema(pointer(schema), "$ref",
                "points to " + quote(reference) + ", which is not in the schema");
}

const Schema& SchemaDocument::make(Schema schema, const Schema& origin) {
  schemas_.push_back(std::move(schema));
  const auto place = places_.find(&origin);
  const Place copy = place == places_.end() ? Place{"#", ""} : place->second;
  index(schemas_.back(), copy.pointer, copy.base, Kind::schema);
  return schemas_.back();
}

}  // namespace tinyllm
