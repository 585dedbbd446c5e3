#pragma once
// A lesson as a terminal shows it. Any thread.

#include <string>
#include <string_view>

#include "learn/screen.h"

namespace tinyllm::learn {

// Headings, paragraphs, tables in columns, code indented, pictures by title. Folded answers stand
// at the end of the page, so that nobody reads them by accident.
std::string as_terminal_text(std::string_view markdown, const Style& style);

}  // namespace tinyllm::learn
