#pragma once
// The filters, in two files by what they work on. Only find_filter reads this.

#include <span>

#include "text/jinja/value.h"

namespace tinyllm::jinja {

std::span<const NativeFunction> text_and_number_filters();  // filters.cpp
std::span<const NativeFunction> sequence_filters();         // sequence_filters.cpp

}  // namespace tinyllm::jinja
