#include "text/jinja/operators.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "text/jinja/access.h"
#include "text/jinja/big_integer.h"
#include "text/jinja/format.h"
#include "text/jinja/repr.h"
#include "text/jinja/unicode.h"

namespace tinyllm::jinja {
namespace {

const char* symbol(BinaryOp op) {
  switch (op) {
    case BinaryOp::add: return "+";
    case BinaryOp::subtract: return "-";
    case BinaryOp::multiply: return "*";
    case BinaryOp::divide: return "/";
    case BinaryOp::floor_divide: return "//";
    case BinaryOp::modulo: return "%";
    case BinaryOp::power: return "**";
  }
  return "";
}

[[noreturn]] void fail_operands(Runtime& runtime, const char* op, const Value& left,
                                const Value& right) {
  runtime.fail("unsupported operand types for {}: '{}' and '{}'", op, type_name(left),
               type_name(right));
}

Value whole(Runtime& runtime, BigInteger value) {
  if (value.digits.size() > kMaxDigits) {
    runtime.unsupported("a whole number of more than {} digits", kMaxDigits);
  }
  return make_whole(std::move(value));
}

BigInteger charged_product(Runtime& runtime, const BigInteger& left, const BigInteger& right) {
  if (left.digits.size() + right.digits.size() > kMaxDigits + 1) {
    runtime.unsupported("a whole number of more than {} digits", kMaxDigits);
  }
  runtime.step(left.digits.size() * right.digits.size() / 64);
  return product(left, right);
}

Value whole_power(Runtime& runtime, BigInteger base, std::int64_t exponent) {
  BigInteger result = digits_of(1);
  while (exponent > 0) {
    if ((exponent & 1) != 0) result = charged_product(runtime, result, base);
    exponent >>= 1;
    if (exponent > 0) base = charged_product(runtime, base, base);
  }
  return whole(runtime, std::move(result));
}

Value integer_binary(Runtime& runtime, BinaryOp op, std::int64_t a, std::int64_t b) {
  const bool needs_divisor =
      op == BinaryOp::divide || op == BinaryOp::floor_divide || op == BinaryOp::modulo;
  if (needs_divisor && b == 0) runtime.fail("division by zero");
  const __int128 left = a, right = b;  // no result but a power's is wider
  switch (op) {
    case BinaryOp::add: return make_whole(left + right);
    case BinaryOp::subtract: return make_whole(left - right);
    case BinaryOp::multiply: return make_whole(left * right);
    case BinaryOp::divide: return make_real(static_cast<double>(a) / static_cast<double>(b));
    case BinaryOp::floor_divide: {
      const bool rounds_down = left % right != 0 && (a < 0) != (b < 0);
      return make_whole(left / right - (rounds_down ? 1 : 0));
    }
    case BinaryOp::modulo: {
      const __int128 remainder = left % right;
      const bool moves = remainder != 0 && (remainder < 0) != (b < 0);
      return make_whole(moves ? remainder + right : remainder);
    }
    case BinaryOp::power:
      if (b >= 0 && (a == 0 || a == 1 || a == -1)) {
        return make_integer(b == 0 || a == 1 || (a == -1 && b % 2 == 0) ? 1 : a);
      }
      if (b >= 0) return whole_power(runtime, digits_of(a), b);
      if (a == 0) runtime.fail("0 cannot be raised to a negative power");
      return make_real(std::pow(static_cast<double>(a), static_cast<double>(b)));
  }
  return {};
}

Value real_binary(Runtime& runtime, BinaryOp op, double a, double b) {
  const bool needs_divisor =
      op == BinaryOp::divide || op == BinaryOp::floor_divide || op == BinaryOp::modulo;
  if (needs_divisor && b == 0) runtime.fail("division by zero");
  switch (op) {
    case BinaryOp::add: return make_real(a + b);
    case BinaryOp::subtract: return make_real(a - b);
    case BinaryOp::multiply: return make_real(a * b);
    case BinaryOp::divide: return make_real(a / b);
    case BinaryOp::floor_divide:
    case BinaryOp::modulo: {
      double remainder = std::fmod(a, b);
      if (remainder != 0 && (remainder < 0) != (b < 0)) remainder += b;
      if (op == BinaryOp::modulo)
        return make_real(remainder == 0 ? std::copysign(0.0, b) : remainder);
      return make_real(std::round((a - remainder) / b));
    }
    case BinaryOp::power:
      if (a == 0 && b < 0) runtime.fail("0.0 cannot be raised to a negative power");
      if (a < 0 && b != std::floor(b)) runtime.unsupported("complex numbers are not supported");
      return make_real(std::pow(a, b));
  }
  return {};
}

Value whole_binary(Runtime& runtime, BinaryOp op, const BigInteger& left, const BigInteger& right,
                   std::optional<std::int64_t> small_right) {
  switch (op) {
    case BinaryOp::add: return whole(runtime, sum(left, right));
    case BinaryOp::subtract: return whole(runtime, difference(left, right));
    case BinaryOp::multiply: return whole(runtime, charged_product(runtime, left, right));
    case BinaryOp::floor_divide:
    case BinaryOp::modulo:
      if (!small_right) break;
      if (*small_right == 0) runtime.fail("division by zero");
      if (op == BinaryOp::floor_divide) return make_whole(divide(left, *small_right).quotient);
      return make_integer(divide(left, *small_right).remainder);
    case BinaryOp::power:
      if (small_right && *small_right >= 0) return whole_power(runtime, left, *small_right);
      break;
    case BinaryOp::divide: break;
  }
  runtime.unsupported("{} with a whole number of more than 64 bits", symbol(op));
}

// Of two numbers, one a whole number of more than 64 bits.
Value big_binary(Runtime& runtime, BinaryOp op, const Value& left, const Value& right) {
  if (!left.is<double>() && !right.is<double>()) {
    const auto digits = [](const Value& value) {
      const BigInteger* big = value.big_integer();
      return big != nullptr ? *big : digits_of(*value.integer());
    };
    return whole_binary(runtime, op, digits(left), digits(right), right.integer());
  }
  for (const Value* value : {&left, &right}) {
    const bool is_too_large = value->big_integer() != nullptr && std::isinf(*value->number());
    if (is_too_large) runtime.fail("a whole number is too large for a float");
  }
  return real_binary(runtime, op, *left.number(), *right.number());
}

Value concat_strings(Runtime& runtime, const StringPayload& left, const StringPayload& right) {
  const bool is_markup = left.is_markup || right.is_markup;
  TextBuilder out(runtime);
  const auto append = [&](const StringPayload& part) {
    if (is_markup && !part.is_markup) {
      append_escaped(out, part.marked);
    } else {
      out.append(part.marked);
    }
  };
  append(left);
  append(right);
  return runtime.string(out.take(), is_markup);
}

bool is_list_or_tuple(const SequencePayload* sequence) {
  return sequence != nullptr &&
         (sequence->kind == SequenceKind::list || sequence->kind == SequenceKind::tuple ||
          sequence->kind == SequenceKind::group);
}

SequenceKind plain_kind(const SequencePayload& sequence) {
  return sequence.kind == SequenceKind::list ? SequenceKind::list : SequenceKind::tuple;
}

Value add(Runtime& runtime, const Value& left, const Value& right) {
  const StringPayload *a = left.string(), *b = right.string();
  if (a != nullptr && b != nullptr) return concat_strings(runtime, *a, *b);
  const SequencePayload *c = left.sequence(), *d = right.sequence();
  if (!is_list_or_tuple(c) || !is_list_or_tuple(d) || plain_kind(*c) != plain_kind(*d)) {
    fail_operands(runtime, "+", left, right);
  }
  runtime.step((c->items.size() + d->items.size()) / 8);
  runtime.allocate((c->items.size() + d->items.size()) * sizeof(Value));
  std::vector<Value> items = c->items;
  items.insert(items.end(), d->items.begin(), d->items.end());
  return runtime.sequence(plain_kind(*c), std::move(items));
}

Value repeat(Runtime& runtime, const Value& value, std::int64_t n_times) {
  const auto n = static_cast<std::uint64_t>(std::max<std::int64_t>(n_times, 0));
  if (const StringPayload* string = value.string()) {
    const std::uint64_t n_bytes = string->marked.text.size();
    if (n_bytes > 0)
      runtime.check_string_bytes(n > runtime.limits().max_string_bytes ? n : n * n_bytes);
    TextBuilder out(runtime);
    for (std::uint64_t i = 0; i < n && n_bytes > 0; ++i) out.append(string->marked);
    runtime.scan(out.size());
    return runtime.string(out.take(), string->is_markup);
  }
  const SequencePayload& sequence = *value.sequence();
  const std::uint64_t n_items = sequence.items.size();
  const std::uint64_t n_bytes =
      n > runtime.limits().max_allocated_bytes && n_items > 0 ? n : n * n_items * sizeof(Value);
  runtime.allocate(n_bytes);
  runtime.step(n * n_items / 8);
  std::vector<Value> items;
  for (std::uint64_t i = 0; i < n && n_items > 0; ++i) {
    items.insert(items.end(), sequence.items.begin(), sequence.items.end());
  }
  return runtime.sequence(plain_kind(sequence), std::move(items));
}

bool can_repeat(const Value& value) {
  return value.string() != nullptr || is_list_or_tuple(value.sequence());
}

// Exact for all pairs: the mantissa of long double holds every int64 where it is wider than double.
int order_of_numbers(const Value& left, const Value& right) {
  const BigInteger *big = left.big_integer(), *other = right.big_integer();
  if (big != nullptr && other != nullptr) return order_of(*big, *other);
  if (big != nullptr) return order_of(*big, *right.number());
  if (other != nullptr) {
    const int order = order_of(*other, *left.number());
    return order == 2 ? 2 : -order;
  }
  const auto wide = [](const Value& value) -> long double {
    const auto integer = value.integer();
    return integer ? static_cast<long double>(*integer) : *value.number();
  };
  const long double a = wide(left), b = wide(right);
  return a < b ? -1 : a > b ? 1 : a == b ? 0 : 2;  // 2: not a number
}

bool equal_items(Runtime& runtime, const std::vector<Value>& left,
                 const std::vector<Value>& right) {
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!equals(runtime, left[i], right[i])) return false;
  }
  return true;
}

bool equal_dicts(Runtime& runtime, const DictPayload& left, const DictPayload& right) {
  if (left.entries.size() != right.entries.size()) return false;
  for (const auto& [key, value] : left.entries) {
    const Value* other = find_key(runtime, right, key);
    if (other == nullptr || !equals(runtime, value, *other)) return false;
  }
  return true;
}

}  // namespace

Value binary(Runtime& runtime, BinaryOp op, const Value& left, const Value& right) {
  const bool formats = op == BinaryOp::modulo && left.string() != nullptr;
  if (left.is_undefined()) runtime.fail_undefined(left);
  if (formats) return format_percent(runtime, *left.string(), right);
  if (right.is_undefined()) runtime.fail_undefined(right);
  const auto a = left.integer(), b = right.integer();
  if (a && b) return integer_binary(runtime, op, *a, *b);
  const auto c = left.number(), d = right.number();
  const bool has_big = left.big_integer() != nullptr || right.big_integer() != nullptr;
  if (c && d && has_big) return big_binary(runtime, op, left, right);
  if (c && d) return real_binary(runtime, op, *c, *d);
  if (op == BinaryOp::add) return add(runtime, left, right);
  if (op == BinaryOp::multiply && can_repeat(left) && b) return repeat(runtime, left, *b);
  if (op == BinaryOp::multiply && a && can_repeat(right)) return repeat(runtime, right, *a);
  fail_operands(runtime, symbol(op), left, right);
}

Value negative(Runtime& runtime, const Value& value) {
  if (value.is_undefined()) runtime.fail_undefined(value);
  if (const auto integer = value.integer()) {
    return integer_binary(runtime, BinaryOp::subtract, 0, *integer);
  }
  if (const BigInteger* big = value.big_integer()) return negated(*big);
  if (const auto number = value.number()) return make_real(-*number);
  runtime.fail("bad operand type for unary -: '{}'", type_name(value));
}

Value positive(Runtime& runtime, const Value& value) {
  if (value.is_undefined()) runtime.fail_undefined(value);
  if (const auto integer = value.integer()) return make_integer(*integer);
  if (value.number()) return value;
  runtime.fail("bad operand type for unary +: '{}'", type_name(value));
}

bool equals(Runtime& runtime, const Value& left, const Value& right) {
  runtime.step();
  if (left.number() && right.number()) return order_of_numbers(left, right) == 0;
  if (left.data.index() != right.data.index()) return false;
  if (const StringPayload* a = left.string()) {
    const std::string &x = a->marked.text, &y = right.string()->marked.text;
    if (x.size() != y.size()) return false;
    runtime.scan(x.size());
    return x == y;
  }
  const DepthGuard guard(runtime);
  if (const SequencePayload* a = left.sequence()) {
    const SequencePayload* b = right.sequence();
    if (a == b) return true;
    const bool is_comparable =
        (is_list_or_tuple(a) && is_list_or_tuple(b) && plain_kind(*a) == plain_kind(*b)) ||
        (a->kind == SequenceKind::range && b->kind == SequenceKind::range);
    return is_comparable && equal_items(runtime, a->items, b->items);
  }
  if (const DictPayload* a = left.dict()) return equal_dicts(runtime, *a, *right.dict());
  if (const CallablePayload* a = left.callable()) return a == right.callable();
  if (const auto* space = std::get_if<Namespace*>(&left.data)) {
    return *space == *std::get_if<Namespace*>(&right.data);
  }
  if (const auto* loop = std::get_if<LoopState*>(&left.data)) {
    return *loop == *std::get_if<LoopState*>(&right.data);
  }
  if (const auto* cycle = std::get_if<Cycle*>(&left.data)) {
    return *cycle == *std::get_if<Cycle*>(&right.data);
  }
  return true;  // none and none, undefined and undefined
}

bool less(Runtime& runtime, const Value& left, const Value& right) {
  runtime.step();
  if (left.is_undefined()) runtime.fail_undefined(left);
  if (right.is_undefined()) runtime.fail_undefined(right);
  if (left.number() && right.number()) return order_of_numbers(left, right) == -1;
  const StringPayload *a = left.string(), *b = right.string();
  if (a != nullptr && b != nullptr) {
    runtime.scan(std::min(a->marked.text.size(), b->marked.text.size()));
    return a->marked.text < b->marked.text;  // the order of bytes is that of code points
  }
  const SequencePayload *c = left.sequence(), *d = right.sequence();
  if (!is_list_or_tuple(c) || !is_list_or_tuple(d) || plain_kind(*c) != plain_kind(*d)) {
    runtime.fail("'{}' and '{}' cannot be ordered", type_name(left), type_name(right));
  }
  const DepthGuard guard(runtime);
  const std::size_t n_common = std::min(c->items.size(), d->items.size());
  for (std::size_t i = 0; i < n_common; ++i) {
    if (!equals(runtime, c->items[i], d->items[i])) {
      return less(runtime, c->items[i], d->items[i]);
    }
  }
  return c->items.size() < d->items.size();
}

bool contains(Runtime& runtime, const Value& container, const Value& item) {
  if (const StringPayload* text = container.string()) {
    const StringPayload* part = item.string();
    if (part == nullptr) {
      runtime.fail("'in <string>' needs a string on its left, not '{}'", type_name(item));
    }
    runtime.scan(text->marked.text.size());
    return find_text(text->marked.text, part->marked.text, 0) != std::string_view::npos;
  }
  if (const DictPayload* dict = container.dict()) {
    if (!is_hashable(item)) runtime.fail("'{}' cannot be a key", type_name(item));
    return find_key(runtime, *dict, item) != nullptr;
  }
  if (!is_iterable(container)) {
    runtime.fail("'{}' object cannot be searched with 'in'", type_name(container));
  }
  const SequencePayload* sequence = container.sequence();
  if (sequence != nullptr && sequence->kind != SequenceKind::generator) {
    return std::any_of(sequence->items.begin(), sequence->items.end(),
                       [&](const Value& other) { return equals(runtime, other, item); });
  }
  const std::vector<Value> items = iterate(runtime, container);
  return std::any_of(items.begin(), items.end(),
                     [&](const Value& other) { return equals(runtime, other, item); });
}

bool compare(Runtime& runtime, CompareOp op, const Value& left, const Value& right) {
  switch (op) {
    case CompareOp::equal: return equals(runtime, left, right);
    case CompareOp::not_equal: return !equals(runtime, left, right);
    case CompareOp::less: return less(runtime, left, right);
    case CompareOp::greater: return less(runtime, right, left);
    case CompareOp::less_equal: return less(runtime, left, right) || equals(runtime, left, right);
    case CompareOp::greater_equal:
      return less(runtime, right, left) || equals(runtime, left, right);
    case CompareOp::in: return contains(runtime, right, left);
    case CompareOp::not_in: return !contains(runtime, right, left);
  }
  return false;
}

}  // namespace tinyllm::jinja
