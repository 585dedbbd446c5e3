#pragma once
// The classes of characters of BERT's tokenizer, as Hugging Face's tokenizers has them: those of an
// older Unicode version, which the published models were trained with. Pure functions: any thread.

namespace tinyllm {

// Control, format and private-use characters and U+FFFD, which a clean text lacks. Tab, line feed
// and carriage return are white space instead.
bool is_bert_removed(char32_t code_point);
// Unicode's White_Space.
bool is_bert_space(char32_t code_point);
// Nonspacing marks: what is left of an accent once its character is decomposed.
bool is_bert_mark(char32_t code_point);
// Each a word of its own: Unicode's punctuation, and all of ASCII's signs.
bool is_bert_punctuation(char32_t code_point);
// CJK ideographs, each a word of its own. Hangul, kana and full-width letters are none.
bool is_bert_ideograph(char32_t code_point);

}  // namespace tinyllm
