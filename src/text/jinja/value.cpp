#include "text/jinja/value.h"

#include "text/jinja/big_integer.h"

namespace tinyllm::jinja {

std::optional<std::int64_t> Value::integer() const {
  if (const auto* integer = std::get_if<std::int64_t>(&data)) return *integer;
  if (const auto* boolean = std::get_if<bool>(&data)) return *boolean ? 1 : 0;
  return std::nullopt;
}

std::optional<double> Value::number() const {
  if (const auto* real = std::get_if<double>(&data)) return *real;
  if (const auto whole = integer()) return static_cast<double>(*whole);
  if (const BigInteger* big = big_integer()) return to_double(*big);
  return std::nullopt;
}

Value make_none() { return Value{None{}}; }
Value make_bool(bool value) { return Value{value}; }
Value make_integer(std::int64_t value) { return Value{value}; }
Value make_real(double value) { return Value{value}; }

Value make_undefined(std::string reason) {
  return Value{Undefined{std::make_shared<const std::string>(std::move(reason))}};
}

Value make_text(std::string_view text) {
  auto payload = std::make_shared<StringPayload>();
  payload->marked.text = text;
  return Value{std::shared_ptr<const StringPayload>(std::move(payload))};
}

bool is_true(const Value& value) {
  if (value.is_undefined() || value.is_none()) return false;
  if (const auto number = value.number()) return *number != 0;
  if (const auto* string = value.string()) return !string->marked.text.empty();
  if (const auto* dict = value.dict()) return !dict->entries.empty();
  if (const auto* sequence = value.sequence()) {
    return sequence->kind == SequenceKind::generator || !sequence->items.empty();
  }
  return true;
}

namespace {

const char* sequence_type_name(SequenceKind kind) {
  switch (kind) {
    case SequenceKind::list: return "list";
    case SequenceKind::tuple:
    case SequenceKind::group: return "tuple";
    case SequenceKind::range: return "range";
    case SequenceKind::generator: return "generator";
    case SequenceKind::dict_keys: return "dict_keys";
    case SequenceKind::dict_values: return "dict_values";
    case SequenceKind::dict_items: return "dict_items";
  }
  return "";
}

}  // namespace

std::string type_name(const Value& value) {
  if (value.is_undefined()) return "Undefined";
  if (value.is_none()) return "NoneType";
  if (value.is<bool>()) return "bool";
  if (value.is<std::int64_t>() || value.big_integer() != nullptr) return "int";
  if (value.is<double>()) return "float";
  if (const auto* string = value.string()) return string->is_markup ? "Markup" : "str";
  if (const auto* sequence = value.sequence()) return sequence_type_name(sequence->kind);
  if (value.dict() != nullptr) return "dict";
  if (value.is<Namespace*>()) return "Namespace";
  if (value.is<LoopState*>()) return "LoopContext";
  if (const auto* cycle = std::get_if<Cycle*>(&value.data)) {
    return (*cycle)->is_joiner ? "Joiner" : "Cycler";
  }
  return value.callable()->macro != nullptr ? "Macro" : "function";
}

int payload_depth(const Value& value) {
  if (const auto* sequence = value.sequence()) return sequence->depth;
  if (const auto* dict = value.dict()) return dict->depth;
  if (const auto* callable = value.callable()) return callable->depth;
  return 0;
}

}  // namespace tinyllm::jinja
