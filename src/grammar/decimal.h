#pragma once
// A decimal number of a JSON schema, exact. Plain value.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace tinyllm {

struct Decimal {
  bool is_negative = false;
  std::string whole = "0";  // digits before the point, without leading zeros
  std::string fraction;     // digits behind the point, without trailing zeros

  bool is_zero() const { return whole == "0" && fraction.empty(); }
  bool is_integer() const { return fraction.empty(); }
  Decimal magnitude() const { return {false, whole, fraction}; }
};

// < 0, 0 or > 0.
int compare(const Decimal& a, const Decimal& b);

// Whole numbers of any size are some too (base/json_values.h).
bool is_number(const nlohmann::ordered_json& value);

// Empty for what is no number, and for numbers whose digits were rounded when they were read or
// are too many.
std::optional<Decimal> decimal_of(const nlohmann::ordered_json& value);

// The nearest whole number that is not smaller (`up`) or not larger.
Decimal rounded(const Decimal& value, bool up);

}  // namespace tinyllm
