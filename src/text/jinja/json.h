#pragma once
// JSON -> template values, and values -> JSON as |tojson writes it. Render thread.

#include <nlohmann/json_fwd.hpp>

#include "text/jinja/runtime.h"

namespace tinyllm::jinja {

// Who wrote the strings: all bytes of a user's are marked, keys too.
enum class Origin { user, template_file };

// Ill-formed UTF-8 is replaced. Whole numbers of any size stay as they were written where
// parse_ordered_json read them. Throws Error{invalid_input} for JSON nested deeper than
// kMaxJsonDepth.
inline constexpr int kMaxJsonDepth = 100;
Value value_from_json(Runtime& runtime, const nlohmann::ordered_json& json, Origin origin);

// How json.dumps writes, as transformers calls it: nothing is escaped for HTML.
struct JsonOptions {
  bool ensure_ascii = false;
  bool sort_keys = false;
  const StringPayload* indent = nullptr;          // one level of indentation; null: all on one line
  const StringPayload* item_separator = nullptr;  // null: as json.dumps chooses
  const StringPayload* key_separator = nullptr;
};
void append_json(TextBuilder& out, Runtime& runtime, const Value& value,
                 const JsonOptions& options);

}  // namespace tinyllm::jinja
