#pragma once
// Arithmetic and comparison with Python's rules. Whole numbers may have 4300 digits; a division by one
// of more than 64 bits is Error{unsupported}. Render thread.

#include "text/jinja/ast.h"
#include "text/jinja/runtime.h"

namespace tinyllm::jinja {

Value binary(Runtime& runtime, BinaryOp op, const Value& left, const Value& right);
Value negative(Runtime& runtime, const Value& value);
Value positive(Runtime& runtime, const Value& value);

bool equals(Runtime& runtime, const Value& left, const Value& right);
bool less(Runtime& runtime, const Value& left, const Value& right);  // fails for unlike types
bool contains(Runtime& runtime, const Value& container, const Value& item);
bool compare(Runtime& runtime, CompareOp op, const Value& left, const Value& right);

}  // namespace tinyllm::jinja
