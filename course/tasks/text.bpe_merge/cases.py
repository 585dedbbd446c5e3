"""The cases of text.bpe_merge, from small to large, and what the definition answers."""

from goldens import lines


def merged(word, rules):
    """The definition, word for word: the pair of the lowest rank, of equal ones the leftmost, until there is none."""
    tokens, ranks = list(word), {pair: rank for rank, pair in reversed(list(enumerate(rules)))}
    while True:
        pairs = [(ranks[pair], i) for i, pair in enumerate(zip(tokens, tokens[1:])) if pair in ranks]
        if not pairs:
            return tokens
        _, i = min(pairs)
        tokens[i : i + 2] = [tokens[i] + tokens[i + 1]]


def cases():
    def case(name, word, rules):
        pairs = [tuple(rule.split()) for rule in rules]
        inputs = {"word": {"text": word}, "merges": lines(rules)}
        return {"name": name, "function": "bpe_merge", "inputs": inputs, "want": {"tokens": {"text": "|".join(merged(word, pairs))}}}

    # Sennrich's words, and the merges that training finds in low, lower, newest and widest.
    sennrich = ["e s", "es t", "l o", "lo w", "n e", "ne w", "new est", "w i", "wi d", "low e", "lowe r"]
    the = ["t h", "i n", "a n", "th e", "o n", "r e", "e r", "_ the", "s t", "e n", "_ t", "in g", "an d", "st r", "str en", "g th", "en g", "eng th"]
    return [
        case("one byte", "a", ["a b"]),
        case("one rule", "ab", ["a b"]),
        case("no rule fits", "ba", ["a b"]),
        case("two rules want the same byte", "abc", ["b c", "a b"]),
        case("a merge makes the next one possible, to its right", "abc", ["a b", "ab c"]),
        case("a merge makes the next one possible, to its left", "abc", ["b c", "a bc"]),
        case("three of the same", "aaa", ["a a"]),
        case("five of the same, and pairs of pairs", "aaaaa", ["a a", "aa aa"]),
        case("the later rule comes first in the word", "abcd", ["c d", "a b", "ab cd"]),
        case("low", "low", sennrich),
        case("lowest, which training never saw", "lowest", sennrich),
        case("newest", "newest", sennrich),
        case("_strengthening", "_strengthening", the),
    ]
