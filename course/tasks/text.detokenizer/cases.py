"""The cases of text.detokenizer: tokens pushed one by one, and the text that each completes. Python's own decoder answers."""

import codecs

from goldens import escaped, lines, trace

SPECIAL = b"<|im_end|>"


def cases():
    def case(name, pushed, skip_special=1):
        """pushed: the bytes of each token; None: finish."""
        tokens = sorted({token for token in pushed if token is not None} | {SPECIAL})
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        calls, answers = [], []
        for token in pushed:
            calls.append("finish" if token is None else "push " + escaped(token))
            if token is None:
                text = decoder.decode(b"", final=True)
                decoder.reset()
            elif token == SPECIAL and skip_special:
                text = ""
            else:
                text = decoder.decode(token)
            answers.append('"' + text + '"')
        inputs = {"tokens": lines(map(escaped, tokens)), "skip_special": skip_special, "calls": lines(calls)}
        return {"name": name, "function": "push", "inputs": inputs, "want": {"pieces": trace("calls", answers)}}

    return [
        case("two words", [b"The", b" sky", None]),
        case("a letter of two bytes in one token", ["für".encode(), None]),
        case("a letter of two bytes in two tokens", [b"f", b"\xc3", b"\xbc", b"r", None]),
        case("a smiley in four tokens", [b"\xf0", b"\x9f", b"\x98", b"\x80", b"!", None]),
        case("the end of one and the beginning of the next", [b"\xe2\x82", b"\xac\xc3", b"\xa9", None]),
        case("a special token is not shown", [b"Hi", SPECIAL, None]),
        case("a special token is shown where that is wanted", [b"Hi", SPECIAL, None], skip_special=0),
        case("a special token within a character", [b"\xc3", SPECIAL, b"\xbc", None]),
        case("a byte that can never begin a character", [b"a", b"\xff", b"b", None]),
        case("a character that breaks off", [b"\xe2\x82", b"A", None]),
        case("the text ends within a character", [b"ok", b"\xf0\x9f", None, b"new", None]),
    ]
