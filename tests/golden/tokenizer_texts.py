"""The texts that every tokenizer golden uses: what people and programs write, and what breaks tokenizers."""

import random
import unicodedata

CODE = [
    "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n",
    "class A:\n\tdef __init__(self, *args, **kwargs):\n\t\tsuper().__init__(*args, **kwargs)\n\n\n",
    "#include <vector>\nint main() {\n  std::vector<int> v{1, 2, 3};\n  return v[0] & 0xFF;\n}\n",
    "for (let i = 0; i !== n; ++i) { console.log(`${i}: ${a[i]?.name ?? 'none'}`); }",
    "SELECT u.id, COUNT(*) FROM users u LEFT JOIN orders o ON o.user_id = u.id GROUP BY 1 HAVING COUNT(*) >= 10;",
    "fn main() -> Result<(), Box<dyn Error>> {\r\n    println!(\"{:>8.3}\", 3.14159_f64);\r\n    Ok(())\r\n}\r\n",
    "package main\n\nimport (\n\t\"fmt\"\n)\n\nfunc main() {\n\tfmt.Printf(\"%d\\n\", 1<<10)\n}\n",
    "<!DOCTYPE html>\n<html lang=\"en\"><body class='x-y_z'>&nbsp;&#8364;</body></html>",
    "{\"key\": [1, -2.5e-10, null, true], \"nested\": {\"\\u00e9\": \"\\n\"}}",
    "#!/bin/bash\nset -euo pipefail\nfor f in *.txt; do echo \"${f%.txt}\" | sed 's/a/b/g' >> /tmp/$$; done",
    "a+=b--c**d//e%f^g|h&i~j!k@l#m$n", "i++; j--; k <<= 2; l >>>= 3; m ??= n; o => p -> q",
    "\\begin{equation} \\sum_{i=0}^{\\infty} \\frac{x^i}{i!} = e^x \\end{equation}",
    "0x1F600 0b1010 0o777 1e-9 1_000_000 .5 5. 1.2.3.4 ::1 #ff00ff",
    "https://user:pass@example.com:8080/a/b.html?q=1&r=%20#frag", "me.and+you@mail.example.org",
    "C:\\Users\\me\\file.txt", "camelCaseAndPascalCase_snake_case-kebab-case SCREAMING_CASE x1y2z3",
    "///// ----- ===== ***** ##### _____ ..... !!!!! ?????", "(((((((([[[[{{{{<<<<", "\"quoted\" 'single' `back` «fr» „de“ ‘a’ “b”",
    "if(a&&b||!c){return(d?e:f);}", "    indented\n        more\n    less\nnone", "\t\ttabs\n\t\t\tmore tabs\n", "x = [i**2 for i in range(10)] # comment\n",
    "@decorator\nasync def f() -> None: ...\n", "$ git commit -m \"it's done\" && git push --force-with-lease\n", "λx.λy.x ∘ f ≡ ∀ε>0 ∃δ",
]

LANGUAGES = [
    "The quick brown fox jumps over the lazy dog.", "Hello, world! How are you today? I'm fine, thanks.",
    "Die Straße führt über die Brücke nach Österreich; Fußgänger müssen warten.", "L'été, où êtes-vous allés ? Ça coûte 3,50 €.",
    "¿Dónde está el niño? ¡Mañana será otro día!", "Não há coração que aguente a saudade.", "Příliš žluťoučký kůň úpěl ďábelské ódy.",
    "Zażółć gęślą jaźń.", "Árvíztűrő tükörfúrógép.", "Pijamalı hasta yağız şoföre çabucak güvendi. İstanbul ıssız", "Þjóðvegur, ætíð.",
    "Съешь же ещё этих мягких французских булок, да выпей чаю.", "Їжак і ґава — це слова.", "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.",
    "我能吞下玻璃而不伤身体。", "你好,世界!今天是2024年1月15日,星期一。", "人工智能(AI)正在改变世界。", "床前明月光,疑是地上霜。举头望明月,低头思故乡。",
    "繁體中文與简体中文的差異", "𠮷野家で𩸽を食べる 㐀㐁", "いろはにほへと ちりぬるを わかよたれそ つねならむ", "吾輩は猫である。名前はまだ無い。", "東京タワーの高さは333メートルです。",
    "カタカナ ひらがな 漢字 半角カタカナ", "コンピュータ・プログラム「テスト」", "키스의 고유조건은 입술끼리 만나야 하고 특별한 기술은 필요치 않다.", "안녕하세요 세계! 한국어",
    "مرحبا بالعالم! كيف حالك؟", "بِسْمِ ٱللَّهِ ٱلرَّحْمَٰنِ ٱلرَّحِيمِ", "اردو میں لکھا ہوا متن۔", "שלום עולם, מה שלומך?", "בְּרֵאשִׁית בָּרָא אֱלֹהִים",
    "नमस्ते दुनिया! आप कैसे हैं?", "क्षत्रिय ज्ञान श्रीमान् हिन्दी में लिखा हुआ।", "আমি কাঁচ খেতে পারি", "நான் கண்ணாடி சாப்பிடுவேன்", "నేను గాజు తినగలను", "ಕನ್ನಡ ಭಾಷೆ", "മലയാളം",
    "ਪੰਜਾਬੀ", "ગુજરાતી", "สวัสดีชาวโลก ฉันกินกระจกได้", "ภาษาไทยเขียนติดกันไม่มีวรรค", "ພາສາລາວ", "မြန်မာဘာသာ", "ភាសាខ្មែរ", "བོད་སྐད།", "ქართული ენა", "Հայերեն լեզու",
    "አማርኛ ቋንቋ", "ᏣᎳᎩ", "Tiếng Việt có dấu: ế ồ ữ ặ", "ʻŌlelo Hawaiʻi", "IPA: /ˈtoʊkənˌaɪzɚ/ ʃʒθð", "Ⅷ ⅸ ① ② ⑳ ㊿ ½ ¾ ² ³", "ᚠᚢᚦᚨᚱᚲ", "𝐛𝐨𝐥𝐝 𝑖𝑡𝑎𝑙𝑖𝑐 𝔣𝔯𝔞𝔨 𝟘𝟙𝟚", "mixed 中文 and English 和 русский text",
]

EMOJI = [
    "😀", "😀😃😄", "👍🏽", "👩‍👩‍👧‍👦", "👨🏿‍🚀", "🏳️‍🌈", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🇩🇪🇫🇷🇯🇵", "1️⃣2️⃣#️⃣", "❤️ ❤ ♥︎", "I ❤️ NY 🗽!", "🤷🏻‍♀️ idk", "☕️☂️✈️", "a😀b😀c", "😀 😀  😀", "🧑‍💻 writes 🐍 code", "🫠🫡🫶🏾", "¯\\_(ツ)_/¯", "(╯°□°)╯︵ ┻━┻", "ಠ_ಠ",
]

NORMAL_FORMS = [form for text in [
    "café", "\u212b \u00e5ngstr\u00f6m \u00c5", "ﬁ ﬂ ﬃ", "한국어 각", "ế ồ ữ", "\u2126 \u03a9", "\u212a K", "ș ț", "ḍ̇ ḍ̇ ḍ̇", "é́ é̀", "각", "\u0f73", "\u0958 \u0959", "\ufb2a", "が ぱ パ", "ñandú", "q̣̇ q̣̇", "\uf900 \uf901 \uf902", "a̐éö̲\r\nx", "゙゚"]
    for form in (text, unicodedata.normalize("NFD", text), unicodedata.normalize("NFC", text))]

DIGITS = ["1", "12", "123", "1234", "12345", "123456", "1234567", "12345678901234567890", "3.14159265", "1,000,000.00", "2024-01-15T12:34:56Z", "x1", "x12y345z6789", "1 22 333 4444 55555",
          "٠١٢٣٤٥٦٧٨٩", "०१२३४५", "๐๑๒๓", "123456", "𝟏𝟐𝟑", "一二三四五 十百千", "ⅣⅤⅥ", "½⅓¼", "x²+y³", "₁₂₃", "①②③", "1st 2nd 3rd 4th", "$9.99 €1.234,56 £5 ¥1000", "100% -50° 1/2", "007 0 00 000 0000", "1a2b3c4d", "3٣३3", "+1 (555) 123-4567"]

SPACES = ["", " ", "  ", "   ", "    ", "     ", " " * 16, "\t", "\t\t", "\n", "\n\n", "\n\n\n\n", "\r", "\r\n", "\r\n\r\n", "\r\r\n\n", " \n", "\n ", "  \n  \n", "\t\n\t", "a ", " a", " a ", "a  b", "a   b", "a\tb", "a\t\tb", "a \tb", "a\n b", "a\n  b",
          "a \n b", "a  \n\n  b", "a\r\nb", "a \r\n b", "x\n\n\ny", "x \n \n \ny", "!\n", "!\n\n", "!\r\n\r\nx", "! \n x", "\u00a0", "a\u00a0b", "a\u00a0\u00a0b", " \u00a0 ", "\u3000", "全角\u3000空白", "\u3000\u3000x", "\u0085", "a\u0085b", "a\u0085\u0085 b", "\u2003em\u2003", "\u2028line\u2029par", "\u200bzero\u200bwidth\u200b", "\u1680ogham",
          "\u180emvs\u180e", "a\u180e\u180eb \u180e c", "\u202f1\u202f000", "\u205f", "\ufeffbom", "\x0b\x0c", "a\x0bb\x0cc", "\x1c\x1d\x1e\x1f", "a\x1cb", "trailing   ", "trailing\n\n", "  leading", "a b  c   d    e     f", "word " * 8, "\n".join("abc"), "\n \n  \n   \n", "1  2", "1 \n2", "  1", "a  1  b", "  !", "!  ?", "  \u4e00", "a \u00a0b", "a\u00a0 b", "\t \t x", "\u2009thin 5\u2009kg"]

CONTRACTIONS = ["I'm you're he's we've they'll I'd don't", "I'M YOU'RE HE'S WE'VE THEY'LL I'D DON'T", "don'T DON't Don'T", "'s 'S 't 'T 're 'RE 'Re 'rE 've 'VE 'm 'M 'll 'LL 'lL 'd 'D", "it's's", "''s", "'sound 'Sound", "x'sy", "rock'n'roll", "o'clock", "dogs' tails", "'tis 'twas", "y'all'd've",
                "’s don’t it’s", "l'homme d'été", "'ſ 'ſx ſ", "'ll'll", "' s", "'\ns", "\"'s\"", "1's 'd2", "é's", "'S\u0301", "'reʼve"]

SPECIALS = ["<|endoftext|>", "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "a<|endoftext|>b", "a <|endoftext|> b", "<|endoftext|><|endoftext|>", "<|im_start|", "<|im_start |>", "<<|im_end|>>", "<|im_end|><|im_start|>", "< |im_end|>", "<|IM_END|>",
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe kind.<|eot_id|>", "<|begin_of_text|>x", "<tool_call>\n{\"name\": \"f\"}\n</tool_call>", "<think>\nhm\n</think>\n\nyes", "a<tool_call>b", "  <|im_end|>  ", "\n<|im_end|>\n", "1<|im_end|>2", "é<|im_end|>e\u0301", "<|fim_prefix|>def f():<|fim_suffix|>return<|fim_middle|>", "<s>text</s>", "[INST] x [/INST]", "<|reserved_special_token_0|>", "<repo_name>x<file_sep>", "it's<|im_end|>'s", "<|im_end|>'s", "<|end<|im_end|>|>"]

CONTROLS = ["\x00", "a\x00b", "\x00\x00\x00", "\x01\x02\x03\x04\x05\x06\x07", "\x08\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b", "\x1b[31mred\x1b[0m", "\x7f", "\x80\x81\x9f", "\u00ad soft\u00adhyphen", "\u200e\u200f\u202a\u202e", "\u2066x\u2069", "\ufffd", "a\ufffdb", "\ufffd\ufffd", "\uffff\ufffe", "\ue000\uf8ff", "\U0010ffff", "\U000f0000x",
            "\u0301", "\u0301\u0301", "a\u0301\u0302\u0303\u0304b", "\u0301abc", " \u0301", "1\u0301", "!\u0301", "\u20dd\u20e3", "\u093f", "\u0e31\u0e34", "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349\u035a\u032f\u031e\u0320\u034dA\u036b\u0357\u0334\u0362\u0335\u031c", "\u3099\u309a", "\u200d", "\u200c", "a\u200db", "\ufe0f", "\u2800\u28ff", "\u00b7\u0387", "\ua9c0x", "\U0001f3fd", "\U000e0067"]

WORDS = ["a", "A", "aa", "antidisestablishmentarianism", "Donaudampfschifffahrtsgesellschaftskapitän", "pneumonoultramicroscopicsilicovolcanoconiosis" * 4, "a" * 300, "ab" * 200, "aaaaaaab" * 40, "A" * 100 + "a" * 100, "0" * 200, "!" * 200, "=" * 80, "-" * 79 + "\n", " " * 300, " " * 100 + "x", "\n" * 150, "\t" * 100 + "x", " \n" * 60,
         "漢" * 100, "ไ" * 100, "😀" * 60, "é" * 100, "e\u0301" * 100, "\u0301\u0316" * 60, "a" + "\u0316\u0301" * 40, "lorem ipsum dolor sit amet " * 12, "the " * 60, "hahaha" * 30, "ACGT" * 60, "deadbeef" * 30, "xX" * 100, "'s" * 60, "1a" * 80, "a1 " * 60, "\r\n" * 50, "\u3000" * 50, "\u00a0 " * 50]


def random_texts(n):
    """Characters of all the kinds above thrown together, from a fixed seed."""
    rng = random.Random(20240115)
    pool = ["a", "e", "s", "t", "the", "ing", "A", "Z", "S", "T", "é", "e\u0301", "ß", "ж", "中", "文", "あ", "한", "ا", "न", "ि", "ก", "1", "2", "23", "٣", "½", " ", " ", " ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\u0085", "'", "'s", "'T", "’", ".", ",", "!", "?", "-", "_", "(", ")", "/", "\\", "\"", "<", ">", "|", "😀", "👍🏽", "\u200d", "\ufe0f", "\u0301", "\u0316", "\x00", "\ufffd", "<|endoftext|>", "<|im_end|>"]
    return ["".join(rng.choice(pool) for _ in range(rng.randint(1, 30))) for _ in range(n)]


def all_texts():
    texts = CODE + LANGUAGES + EMOJI + NORMAL_FORMS + DIGITS + SPACES + CONTRACTIONS + SPECIALS + CONTROLS + WORDS + random_texts(60)
    return list(dict.fromkeys(texts))


if __name__ == "__main__":
    texts = all_texts()
    print(len(texts), sum(len(t.encode()) for t in texts))
