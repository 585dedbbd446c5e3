// What stands behind "is": Jinja2's tests.

#include <cmath>

#include "text/jinja/access.h"
#include "text/jinja/builtins.h"
#include "text/jinja/operators.h"
#include "text/jinja/repr.h"
#include "text/jinja/strings.h"
#include "text/jinja/unicode.h"

namespace tinyllm::jinja {
namespace {

using Arguments = const CallArgs&;

template <bool (*kIs)(const Value&)>
bool run_simple(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "test", call, {});
  return kIs(value);
}

bool is_defined(const Value& value) { return !value.is_undefined(); }
bool is_undefined(const Value& value) { return value.is_undefined(); }
bool is_none(const Value& value) { return value.is_none(); }
bool is_boolean(const Value& value) { return value.is<bool>(); }
bool is_exactly_true(const Value& value) { return value.is<bool>() && is_true(value); }
bool is_exactly_false(const Value& value) { return value.is<bool>() && !is_true(value); }
bool is_integer(const Value& value) {
  return value.is<std::int64_t>() || value.big_integer() != nullptr;
}
bool is_float(const Value& value) { return value.is<double>(); }
bool is_number(const Value& value) { return value.number().has_value(); }
bool is_string(const Value& value) { return value.string() != nullptr; }
bool is_mapping(const Value& value) { return value.dict() != nullptr; }
bool is_callable(const Value& value) {
  const auto* cycle = std::get_if<Cycle*>(&value.data);
  return value.callable() != nullptr || value.is<LoopState*>() || value.is_undefined() ||
         (cycle != nullptr && (*cycle)->is_joiner);
}
bool is_escaped(const Value& value) {
  return value.string() != nullptr && value.string()->is_markup;
}

bool is_sequence(const Value& value) {  // has a length and can be indexed
  if (value.string() != nullptr || value.dict() != nullptr || value.is_undefined()) return true;
  const SequencePayload* sequence = value.sequence();
  return sequence != nullptr &&
         (sequence->kind == SequenceKind::list || sequence->kind == SequenceKind::tuple ||
          sequence->kind == SequenceKind::group || sequence->kind == SequenceKind::range);
}

template <CompareOp kOp>
bool run_compare(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "comparison", call, {"other"}, 1);
  return compare(runtime, kOp, value, args[0]);
}

// value % divisor == remainder
bool has_remainder(Runtime& runtime, const Value& value, const Value& divisor,
                   std::int64_t remainder) {
  return equals(runtime, binary(runtime, BinaryOp::modulo, value, divisor),
                make_integer(remainder));
}

bool run_odd(Runtime& runtime, const Value& value, Arguments) {
  return has_remainder(runtime, value, make_integer(2), 1);
}

bool run_even(Runtime& runtime, const Value& value, Arguments) {
  return has_remainder(runtime, value, make_integer(2), 0);
}

bool run_divisibleby(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "divisibleby", call, {"num"}, 1);
  return has_remainder(runtime, value, args[0], 0);
}

bool run_sameas(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "sameas", call, {"other"}, 1);
  const Value& other = args[0];
  if (value.data.index() != other.data.index()) return false;
  if (value.sequence() != nullptr) return value.sequence() == other.sequence();
  if (value.dict() != nullptr) return value.dict() == other.dict();
  return equals(runtime, value, other);
}

template <bool (*kIs)(char32_t)>
bool run_cased(Runtime& runtime, const Value& value, Arguments) {
  return all_cased(runtime, to_str(runtime, value).text, kIs);
}

bool run_filter(Runtime&, const Value& value, Arguments) {
  return value.string() != nullptr && find_filter(value.string()->marked.text) != nullptr;
}

bool run_test(Runtime&, const Value& value, Arguments) {
  return value.string() != nullptr && find_test(value.string()->marked.text) != nullptr;
}

constexpr NativeTest kTests[] = {
    {"!=", run_compare<CompareOp::not_equal>},
    {"<", run_compare<CompareOp::less>},
    {"<=", run_compare<CompareOp::less_equal>},
    {"==", run_compare<CompareOp::equal>},
    {">", run_compare<CompareOp::greater>},
    {">=", run_compare<CompareOp::greater_equal>},
    {"boolean", run_simple<is_boolean>},
    {"callable", run_simple<is_callable>},
    {"defined", run_simple<is_defined>},
    {"divisibleby", run_divisibleby},
    {"eq", run_compare<CompareOp::equal>},
    {"equalto", run_compare<CompareOp::equal>},
    {"escaped", run_simple<is_escaped>},
    {"even", run_even},
    {"false", run_simple<is_exactly_false>},
    {"filter", run_filter},
    {"float", run_simple<is_float>},
    {"ge", run_compare<CompareOp::greater_equal>},
    {"greaterthan", run_compare<CompareOp::greater>},
    {"gt", run_compare<CompareOp::greater>},
    {"in", run_compare<CompareOp::in>},
    {"integer", run_simple<is_integer>},
    {"iterable", run_simple<is_iterable>},
    {"le", run_compare<CompareOp::less_equal>},
    {"lessthan", run_compare<CompareOp::less>},
    {"lower", run_cased<is_lower>},
    {"lt", run_compare<CompareOp::less>},
    {"mapping", run_simple<is_mapping>},
    {"ne", run_compare<CompareOp::not_equal>},
    {"none", run_simple<is_none>},
    {"number", run_simple<is_number>},
    {"odd", run_odd},
    {"sameas", run_sameas},
    {"sequence", run_simple<is_sequence>},
    {"string", run_simple<is_string>},
    {"test", run_test},
    {"true", run_simple<is_exactly_true>},
    {"undefined", run_simple<is_undefined>},
    {"upper", run_cased<is_upper>},
};

}  // namespace

const NativeTest* find_test(std::string_view name) {
  for (const NativeTest& test : kTests) {
    if (test.name == name) return &test;
  }
  return nullptr;
}

}  // namespace tinyllm::jinja
