#pragma once
// Attributes, items, slices and iteration, as Jinja2's sandboxed environment does them: x.name
// looks for a method first and a key second, x['name'] the other way round. Render thread.

#include <string_view>
#include <vector>

#include "text/jinja/runtime.h"

namespace tinyllm::jinja {

// Undefined when there is no such thing; fails when `object` itself is undefined.
Value get_attribute(Runtime& runtime, const Value& object, std::string_view name);
Value get_item(Runtime& runtime, const Value& object, const Value& key);
// x[begin:end:step] of strings, lists, tuples and ranges; null or none: absent.
Value get_slice(Runtime& runtime, const Value& object, const Value* begin, const Value* end,
                const Value* step);

// The entry of `key`, or null.
const Value* find_key(Runtime& runtime, const DictPayload& dict, const Value& key);
const Value* find_key(Runtime& runtime, const DictPayload& dict, std::string_view key);
bool is_hashable(const Value& value);

// The items that a for loop sees. A generator is used up by it.
std::vector<Value> iterate(Runtime& runtime, const Value& value);
bool is_iterable(const Value& value);
// len(value); fails for what has no length.
std::int64_t length(Runtime& runtime, const Value& value);

}  // namespace tinyllm::jinja
