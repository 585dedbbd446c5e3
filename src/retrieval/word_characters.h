#pragma once
// Of what characters words are made. Any thread.

namespace tinyllm {

// Unicode's letters, digits and other numbers, marks (accents, vowel signs) and private characters:
// about what the tokenizer "unicode61" of FTS5 takes. Everything else parts words.
bool is_word_character(char32_t c);

}  // namespace tinyllm
