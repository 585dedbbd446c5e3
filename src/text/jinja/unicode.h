#pragma once
// What Python's str knows about characters: whitespace, printability, case, lengths in code points.
// Text is well-formed UTF-8. Any thread.

#include <cstddef>
#include <string>
#include <string_view>

namespace tinyllm::jinja {

bool is_space(char32_t code_point);  // str.isspace()
bool is_identifier_char(char32_t code_point);
bool is_printable(char32_t code_point);  // str.isprintable()

// Bytes of whitespace at the beginning / end of `text`.
std::size_t count_leading_spaces(std::string_view text);
std::size_t count_trailing_spaces(std::string_view text);

std::size_t count_chars(std::string_view text);
// The byte where character `n_chars` begins; text.size() when there are not so many.
std::size_t char_offset(std::string_view text, std::size_t n_chars);
// The bytes of the last character that ends at `end`. `end` > 0.
std::size_t last_char_bytes(std::string_view text, std::size_t end);

enum class LetterCase { lower, upper, title, unchanged };
// str.upper() and so on of one character; may be several characters ('ß' -> "SS").
std::string change_case(char32_t code_point, LetterCase to);
bool is_upper(char32_t code_point);
bool is_lower(char32_t code_point);
bool is_cased(char32_t code_point);
bool is_case_ignorable(char32_t code_point);  // marks, modifiers, "'", ".": parts of words
bool is_letter(char32_t code_point);
bool is_decimal_digit(char32_t code_point);
int decimal_digit_value(char32_t code_point);  // of a decimal digit: 0 to 9
bool is_digit(char32_t code_point);            // str.isdigit(): superscripts too
bool is_alphanumeric(char32_t code_point);     // str.isalnum()

// Position of `needle` at or behind `from`, or npos. Linear time whatever the texts are.
std::size_t find_text(std::string_view text, std::string_view needle, std::size_t from);

}  // namespace tinyllm::jinja
