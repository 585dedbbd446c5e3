#pragma once
// Python's format(value, spec), what stands behind the colon in "{:>5}": fill and align, sign, #, 0,
// width, grouping, precision, type (Python Library Reference, "Format Specification
// Mini-Language"). Render thread.

#include <string>
#include <string_view>

#include "text/jinja/runtime.h"

namespace tinyllm::jinja {

// Appends to `out`. `is_user`: a user wrote the spec, so its fill characters count as the user's.
void append_formatted(TextBuilder& out, Runtime& runtime, const Value& value, std::string_view spec,
                      bool is_user);

// The digits of a finite or infinite number >= 0 as printf writes them: conversion f, e or g in
// either case. `keeps_point`: printf's #.
std::string real_digits(double magnitude, char conversion, int precision, bool keeps_point);

}  // namespace tinyllm::jinja
