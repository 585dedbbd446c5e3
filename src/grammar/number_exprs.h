#pragma once
// JSON numbers as expressions: of a range, whole, multiples, single values. A number that must lie in
// a range or be a multiple is written without an exponent: digits and a point decide alone.

#include <cstdint>
#include <optional>

#include "grammar/decimal.h"
#include "grammar/expr_pool.h"

namespace tinyllm {

struct NumberBound {
  Decimal value;
  bool is_exclusive = false;
};

enum class NumberSet : std::uint8_t {
  any,
  integers,      // 1, and 1.0 too, as JSON Schema has it
  no_exponent,   // any number, written with digits and a point
  not_integers,  // some digit behind the point is not 0
};

ExprId any_number(ExprPool& pool, NumberSet set);
// Numbers from `low` to `high`, as far as there is such a bound; at least one is given.
ExprId number_range(ExprPool& pool, const std::optional<NumberBound>& low,
                    const std::optional<NumberBound>& high, bool is_integer);
// Every writing of this value without an exponent.
ExprId number_value(ExprPool& pool, const Decimal& value);
// Whole multiples of `step` > 0. Empty when the automaton would be too large.
std::optional<ExprId> number_multiple(ExprPool& pool, const Decimal& step);

}  // namespace tinyllm
