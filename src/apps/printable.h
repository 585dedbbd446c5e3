#pragma once
// Text from strangers (a model's answer, a file's name) for a terminal: nothing of it may steer the
// terminal. Any thread.

#include <string>
#include <string_view>

namespace tinyllm {

// Control characters (C0, DEL, C1) as '?', ill-formed UTF-8 as U+FFFD. Newlines and tabs stay where
// `several_lines` is set; a carriage return before a newline goes.
std::string printable(std::string_view text, bool several_lines = false);

// What a person decides about: also characters without width and those that turn the direction of
// text around are '?', so that nothing of it looks like something else.
std::string plain_to_see(std::string_view text);

}  // namespace tinyllm
