#pragma once
// The tables of what templates can call: filters, tests, methods of strings, lists, dicts and
// loops, and global functions; and how one of them reads its arguments. Render thread.

#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "text/jinja/runtime.h"

namespace tinyllm::jinja {

struct NativeTest {
  std::string_view name;
  bool (*run)(Runtime&, const Value& value, const CallArgs&);
};

// All null when the name is unknown.
const NativeFunction* find_filter(std::string_view name);  // `self` is the value before the |
const NativeTest* find_test(std::string_view name);
const NativeFunction* find_method(const Value& self, std::string_view name);
const NativeFunction* find_global(std::string_view name);

// The filters in two files: those of one value
// (texts, numbers), and those of whatever can be iterated.
std::span<const NativeFunction> value_filters();     // filters.cpp
std::span<const NativeFunction> sequence_filters();  // sequence_filters.cpp

// Methods that Python's str has and we do not: a template that calls one is refused when parsed.
bool is_unsupported_method(std::string_view name);
// Functions that Jinja2 has and we do not: refused when the name is looked up, since a template may
// give it to something of its own.
bool is_unsupported_global(std::string_view name);

// Binds the arguments of one call to the parameter names of a native filter, test, method or
// function, with Python's rules.
class BoundArgs {
 public:
  // Fails for too many, unknown, doubled or (among the first n_required) missing arguments.
  BoundArgs(Runtime& runtime, std::string_view function, const CallArgs& args,
            std::initializer_list<std::string_view> parameters, std::size_t n_required = 0);

  // The argument for parameter `index`, null when it was not given.
  const Value* get(std::size_t index) const { return bound_[index]; }
  const Value& operator[](std::size_t index) const { return *bound_[index]; }
  // Given and not none.
  const Value* get_some(std::size_t index) const;
  bool is_true(std::size_t index, bool otherwise = false) const;
  std::int64_t integer(std::size_t index, std::int64_t otherwise) const;
  const StringPayload& string(std::size_t index) const;

 private:
  Runtime& runtime_;
  std::string_view function_;
  std::vector<const Value*> bound_;
};

}  // namespace tinyllm::jinja
