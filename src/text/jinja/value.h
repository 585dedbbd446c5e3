#pragma once
// The values that a template computes with: Python's, as far as templates show them. A value is
// immutable and cheap to copy (shared payloads), so values never form cycles; the two mutable
// things, namespaces and loops, belong to the render's Runtime and are pointed at. A string
// remembers which of its bytes a user supplied. One render, one thread; values inside a parsed
// template are shared by all renders.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/text_range.h"

namespace tinyllm::jinja {

struct StringPayload;
struct SequencePayload;
struct DictPayload;
struct CallablePayload;
struct Namespace;
struct LoopState;
struct Cycle;
struct Scope;
struct Statement;

struct None {};
// A name or attribute that is not there. `reason` is what an operation on it complains with.
struct Undefined {
  std::shared_ptr<const std::string> reason;
};

// A whole number that 64 bits do not hold (text/jinja/big_integer.h).
struct BigInteger {
  bool is_negative = false;
  std::string digits;  // decimal, the first is not 0
};

struct Value {
  std::variant<Undefined, None, bool, std::int64_t, double, std::shared_ptr<const StringPayload>,
               std::shared_ptr<const SequencePayload>, std::shared_ptr<const DictPayload>,
               std::shared_ptr<const CallablePayload>, Namespace*, LoopState*, Cycle*,
               std::shared_ptr<const BigInteger>>
      data;

  template <typename T>
  bool is() const {
    return std::holds_alternative<T>(data);
  }
  bool is_undefined() const { return is<Undefined>(); }
  bool is_none() const { return is<None>(); }

  // The payload, or null when the value is of another type.
  const StringPayload* string() const { return payload<StringPayload>(); }
  const SequencePayload* sequence() const { return payload<SequencePayload>(); }
  const DictPayload* dict() const { return payload<DictPayload>(); }
  const CallablePayload* callable() const { return payload<CallablePayload>(); }
  const BigInteger* big_integer() const { return payload<BigInteger>(); }

  // bool counts as the integers 0 and 1, as in Python.
  std::optional<std::int64_t> integer() const;  // not the big ones
  std::optional<double> number() const;         // integers, big ones too, and bools included

 private:
  template <typename T>
  const T* payload() const {
    const auto* pointer = std::get_if<std::shared_ptr<const T>>(&data);
    return pointer == nullptr ? nullptr : pointer->get();
  }
};

struct StringPayload {
  MarkedText marked;       // well-formed UTF-8
  bool is_markup = false;  // made by |safe or |escape: `+` escapes what it is joined with
};

// group: what |groupby yields, a tuple whose items are also named grouper and list.
enum class SequenceKind {
  list,
  tuple,
  group,
  range,
  generator,
  dict_keys,
  dict_values,
  dict_items
};

struct SequencePayload {
  SequenceKind kind = SequenceKind::list;
  std::vector<Value> items;
  int depth = 1;  // of nested payloads, see Runtime
  // A generator yields each item once: the first `n_taken` are gone.
  mutable std::size_t n_taken = 0;
};

struct DictPayload {  // in insertion order, keys unique
  std::vector<std::pair<Value, Value>> entries;
  int depth = 1;
};

// {% set ns.x = ... %} writes here.
struct Namespace {
  std::vector<std::pair<std::string, Value>> attributes;
};

// What the name `loop` shows inside a for loop.
struct LoopState {
  std::vector<Value> items;
  std::size_t index0 = 0;
  std::size_t depth0 = 0;                // of a recursive loop: how often it has called itself
  const Statement* recursive = nullptr;  // the loop that loop(items) runs again; lives in the tree
  Scope* scope = nullptr;                // and where it stands
  std::optional<std::vector<Value>> last_changed;  // arguments of the last loop.changed(...)
};

// What cycler(...) and joiner(...) give: its items in turn, over and over; or nothing at the first
// call and its only item at every other.
struct Cycle {
  bool is_joiner = false;
  std::vector<Value> items;
  std::size_t position = 0;  // of a joiner: 0 until its first call
};

class Runtime;
struct CallArgs;
struct MacroNode;

// A filter, a function or a method of a type. `mutates`:
// a method that the sandbox forbids, whose `run` is null.
struct NativeFunction {
  std::string_view name;
  Value (*run)(Runtime&, const Value& self, const CallArgs&);
  bool mutates = false;
};

struct CallablePayload {
  const NativeFunction* native = nullptr;  // else a macro
  Value self;                              // native methods: the object before the dot
  const MacroNode* macro = nullptr;        // lives in the parsed template
  Scope* scope = nullptr;                  // where the macro was defined
  int depth = 1;
};

// Positional and named arguments of one call.
struct CallArgs {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

Value make_none();
Value make_bool(bool value);
Value make_integer(std::int64_t value);
Value make_real(double value);
Value make_undefined(std::string reason);
// A string of the template's own making, without
// the caps of Runtime: for constants and short texts.
Value make_text(std::string_view text);

// bool(value), type names as Python's error messages give them ("str", "dict", "NoneType").
bool is_true(const Value& value);
std::string type_name(const Value& value);
int payload_depth(const Value& value);

}  // namespace tinyllm::jinja
