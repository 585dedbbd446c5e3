"""The cases of model.embedding: rows of a small table. Nothing is computed, so nothing may be off."""

import random
import struct

from goldens import array


def half(rng):
    """A number that float16 holds exactly."""
    return struct.unpack("e", struct.pack("e", rng.gauss(0, 1)))[0]


def cases():
    rng = random.Random(15)

    def case(name, vocab, hidden, ids, is_half=0):
        table = [half(rng) for _ in range(vocab * hidden)]
        out = [x for i in ids for x in table[i * hidden : (i + 1) * hidden]]
        inputs = {"table": table, "vocab_size": vocab, "token_ids": ids, "is_half": is_half}
        want = {"out": array([len(ids), hidden], ["token", "i"], out, [0.0] * len(out))}
        return {"name": name, "function": "embedding", "inputs": inputs, "want": want}

    return [
        case("one number", 1, 1, [0]),
        case("the second of three rows", 3, 2, [1]),
        case("two tokens, the later row first", 3, 2, [2, 0]),
        case("the same token twice", 4, 3, [3, 1, 3]),
        case("a table of 16-bit floats", 5, 4, [4, 0, 2], is_half=1),
        case("five tokens of sixteen numbers", 9, 16, [8, 1, 8, 0, 5]),
    ]
