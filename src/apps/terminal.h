#pragma once
// What we know of the terminal: is there one, how wide, may it be coloured. Any thread.

#include <string>
#include <string_view>

namespace tinyllm {

bool is_terminal(int fd);

// Columns of the terminal at stderr; 80 when it does not say.
int terminal_width();

// Colours and cursor movement are fine on `fd`: a terminal, not TERM=dumb, NO_COLOR not set
// (https://no-color.org).
bool use_color(int fd);

// `text` dim or bold when `fd` takes colours, else as it is.
std::string dim(std::string_view text, int fd);
std::string bold(std::string_view text, int fd);

}  // namespace tinyllm
