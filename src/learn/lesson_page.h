#pragma once
// A lesson's Markdown as a page for a browser, and the pager that shows a text.
// Knows what the lessons use: headings, paragraphs, lists,
// code fences, tables, images, <details>. Any thread.

#include <filesystem>
#include <string>
#include <string_view>

#include "learn/manifest.h"
#include "learn/screen.h"

namespace tinyllm::learn {

// A page that stands alone; images are looked for in `folder`.
std::string as_html(std::string_view markdown, const std::filesystem::path& folder,
                    const std::string& title);

// Shows text in $PAGER (less where it is not set) when stdout is a terminal, else prints it.
// Where `from` is given, less opens at the first line that holds it.
void show_in_pager(const std::string& text, bool plain, const std::string& from = "");

}  // namespace tinyllm::learn
