#include "text/jinja/builtins.h"

#include <algorithm>

namespace tinyllm::jinja {

BoundArgs::BoundArgs(Runtime& runtime, std::string_view function, const CallArgs& args,
                     std::initializer_list<std::string_view> parameters, std::size_t n_required)
    : runtime_(runtime), function_(function), bound_(parameters.size(), nullptr) {
  if (args.positional.size() > parameters.size()) {
    runtime.fail("{} takes at most {} arguments, {} given", function, parameters.size(),
                 args.positional.size());
  }
  for (std::size_t i = 0; i < args.positional.size(); ++i) bound_[i] = &args.positional[i];
  for (const auto& [name, value] : args.named) {
    const auto* found = std::find(parameters.begin(), parameters.end(), name);
    if (found == parameters.end()) {
      runtime.fail("{} takes no argument named '{}'", function, name);
    }
    const Value*& slot = bound_[found - parameters.begin()];
    if (slot != nullptr) runtime.fail("{} got argument '{}' twice", function, name);
    slot = &value;
  }
  for (std::size_t i = 0; i < n_required; ++i) {
    if (bound_[i] == nullptr) {
      runtime.fail("{} needs an argument '{}'", function, parameters.begin()[i]);
    }
  }
}

const Value* BoundArgs::get_some(std::size_t index) const {
  const Value* value = bound_[index];
  return value == nullptr || value->is_none() ? nullptr : value;
}

bool BoundArgs::is_true(std::size_t index, bool otherwise) const {
  return bound_[index] == nullptr ? otherwise : jinja::is_true(*bound_[index]);
}

std::int64_t BoundArgs::integer(std::size_t index, std::int64_t otherwise) const {
  if (bound_[index] == nullptr) return otherwise;
  const auto value = bound_[index]->integer();
  if (!value) {
    runtime_.fail("{}: argument {} is {}, must be an integer", function_, index + 1,
                  type_name(*bound_[index]));
  }
  return *value;
}

const StringPayload& BoundArgs::string(std::size_t index) const {
  const StringPayload* text = bound_[index]->string();
  if (text == nullptr) {
    runtime_.fail("{}: argument {} is {}, must be a string", function_, index + 1,
                  type_name(*bound_[index]));
  }
  return *text;
}

const NativeFunction* find_filter(std::string_view name) {
  for (const auto table : {value_filters(), sequence_filters()}) {
    for (const NativeFunction& filter : table) {
      if (filter.name == name) return &filter;
    }
  }
  return nullptr;
}

}  // namespace tinyllm::jinja
