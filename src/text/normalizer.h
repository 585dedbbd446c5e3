#pragma once
// Unicode normalisation form C, in which "e" + U+0301 is one "é". Pure function: any thread.

#include <string_view>

#include "text/rewritten_text.h"

namespace tinyllm {

// NFC of well-formed UTF-8 (Unicode Standard Annex 15). O(n log n) for any text.
RewrittenText normalize_nfc(std::string_view text);

}  // namespace tinyllm
