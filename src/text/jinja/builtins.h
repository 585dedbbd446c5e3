#pragma once
// The tables of what templates can call: filters, tests, methods of strings, lists, dicts and
// loops, and global functions. All null when the name is unknown.

#include <string_view>

#include "text/jinja/value.h"

namespace tinyllm::jinja {

struct NativeTest {
  std::string_view name;
  bool (*run)(Runtime&, const Value& value, const CallArgs&);
};

const NativeFunction* find_filter(std::string_view name);  // `self` is the value before the |
const NativeTest* find_test(std::string_view name);
const NativeFunction* find_method(const Value& self, std::string_view name);
const NativeFunction* find_global(std::string_view name);

// Methods that Python's str has and we do not: a template that calls one is refused when parsed.
bool is_unsupported_method(std::string_view name);
// Functions that Jinja2 has and we do not: refused when the name is looked up, since a template may
// give it to something of its own.
bool is_unsupported_global(std::string_view name);

}  // namespace tinyllm::jinja
