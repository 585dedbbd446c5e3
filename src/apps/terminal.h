#pragma once
// What we know of the terminal: is there one, how wide, may it be coloured. Any thread.

#include <string>
#include <string_view>

namespace tinyllm {

bool is_terminal(int fd);

// Columns of the terminal at stderr; 80 when it does not say.
int terminal_width();

// Whether `fd` takes colours and cursor movement: it is a terminal, not TERM=dumb, and NO_COLOR
// (https://no-color.org) is not set.
bool use_color(int fd);

// `text` dim or bold when `fd` takes colours, else as it is.
std::string dim(std::string_view text, int fd);
std::string bold(std::string_view text, int fd);

}  // namespace tinyllm
