#!/usr/bin/env python3
"""Prints the tables of src/text/bert_characters.cpp: the classes of characters that Hugging Face's BERT tokenizer uses.

    make_bert_characters.py

Needs tokenizers. Its classes are those of an older Unicode version, so a table of today's Unicode would cut newer
characters otherwise than the models were trained with. Each class is asked for with every code point alone.
"""

from tokenizers import normalizers, pre_tokenizers

KINDS = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
clean = normalizers.BertNormalizer(**{**KINDS, "clean_text": True})
strip = normalizers.BertNormalizer(**{**KINDS, "strip_accents": True})
split = pre_tokenizers.BertPreTokenizer()

CLASSES = {
    "kRemoved": lambda c: clean.normalize_str(c) == "",
    "kMarks": lambda c: strip.normalize_str(c) == "",
    "kPunctuation": lambda c: [word for word, _ in split.pre_tokenize_str("a" + c + "b")] == ["a", c, "b"],
}


def ranges_of(holds):
    """[(first, last)] of the code points, surrogates left out."""
    ranges = []
    for code_point in (c for c in range(0x110000) if not 0xD800 <= c < 0xE000):
        if not holds(chr(code_point)):
            continue
        if ranges and ranges[-1][1] == code_point - 1:
            ranges[-1][1] = code_point
        else:
            ranges.append([code_point, code_point])
    return ranges


for name, holds in CLASSES.items():
    ranges = ranges_of(holds)
    items = ", ".join(f"{{0x{first:X}, 0x{last:X}}}" for first, last in ranges)
    print(f"constexpr std::array<Range, {len(ranges)}> {name} = {{{{{items}}}}};\n")
