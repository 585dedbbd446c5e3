#pragma once
// Unicode normalisation forms: C, in which "e" + U+0301 is one "é", and D, in which "é" is these two.
// Pure functions: any thread.

#include <string>
#include <string_view>

#include "text/rewritten_text.h"

namespace tinyllm {

// NFC of well-formed UTF-8 (Unicode Standard Annex 15). O(n log n) for any text.
RewrittenText normalize_nfc(std::string_view text);

// NFD of the same.
std::string normalize_nfd(std::string_view text);

}  // namespace tinyllm
