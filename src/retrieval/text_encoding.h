#pragma once
// The bytes of a text file as UTF-8, whatever they were written in. Pure functions; any thread.

#include <string>
#include <string_view>

namespace tinyllm {

// What a byte order mark says counts: UTF-8, UTF-16, UTF-32. Without one, text that is UTF-8 stays as
// it is. Other bytes are read as `declared` (a name that iconv knows; "": nobody says), else as
// Windows-1252, the encoding of the West that holds Latin-1. UTF-8 that is damaged here and there
// keeps what is whole. What cannot be converted becomes U+FFFD. Throws Error{unsupported}, one line
// that begins with `source`: bytes of 0 without a mark (it is binary), text that cannot be of
// Windows-1252 as most of its letters are beyond ASCII, a declared name that iconv does not know.
std::string to_utf8(std::string_view bytes, const std::string& source,
                    const std::string& declared = "");

// The encoding that a page of HTML or XML names for itself in its first 1,024 bytes; "": none.
std::string declared_encoding(std::string_view bytes);

}  // namespace tinyllm
