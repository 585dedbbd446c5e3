#pragma once
// What Python's str can do, on strings that remember which bytes a user wrote. Lengths and widths
// count characters. Render thread.

#include <string_view>
#include <vector>

#include "text/jinja/runtime.h"

namespace tinyllm::jinja {

enum class Side { left, right, both };

// Without `chars` (null): whitespace.
Value strip(Runtime& runtime, const StringPayload& text, const StringPayload* chars, Side side);

// str.split (right: str.rsplit). Without `separator` (null):
// runs of whitespace. max_splits < 0: no limit.
std::vector<Value> split(Runtime& runtime, const StringPayload& text,
                         const StringPayload* separator, std::int64_t max_splits, Side from);
std::vector<Value> split_lines(Runtime& runtime, const StringPayload& text, bool keep_ends);

// The first (from the right: last) `separator` and what stands before and behind it.
Value partition(Runtime& runtime, const StringPayload& text, const StringPayload& separator,
                Side from);

// max_count < 0: all.
MarkedText replace(Runtime& runtime, const MarkedText& text, const MarkedText& old_text,
                   const MarkedText& new_text, std::int64_t max_count);
std::int64_t count_text(Runtime& runtime, std::string_view text, std::string_view part);

std::int64_t count_words(std::string_view text);  // runs of letters, digits and _

MarkedText join(Runtime& runtime, const MarkedText& separator, const std::vector<Value>& items);

MarkedText to_upper(Runtime& runtime, const MarkedText& text);
MarkedText to_lower(Runtime& runtime, const MarkedText& text);
MarkedText swap_case(Runtime& runtime, const MarkedText& text);
MarkedText capitalize(Runtime& runtime, const MarkedText& text);
// str.title(): a letter behind a non-letter is large. The |title filter instead starts words only
// behind whitespace and - ( { [ <.
MarkedText title_method(Runtime& runtime, const MarkedText& text);
MarkedText title_filter(Runtime& runtime, const MarkedText& text);

// Padding to `width` characters with `fill`, on the side given.
Value pad(Runtime& runtime, const StringPayload& text, std::int64_t width, std::string_view fill,
          Side side);
Value zero_fill(Runtime& runtime, const StringPayload& text, std::int64_t width);

// Python's islower and isupper: there are letters with case, and is_wanted holds for all of them.
bool all_cased(Runtime& runtime, std::string_view text, bool (*is_wanted)(char32_t));

// The bytes [begin, end) as a new string of the same kind.
Value part_of(Runtime& runtime, const StringPayload& text, std::size_t begin, std::size_t end);

}  // namespace tinyllm::jinja
