#pragma once
// Binds the arguments of one call to the parameter names of a native filter, test, method or
// function, with Python's rules.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/runtime.h"

namespace tinyllm::jinja {

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
