"""The figures of 1.6-generating-text."""

from drawing import INK, MARK, MONO, PALE, SOFT, arrow, box, here, page, text


def merges():
    """The word lowest, merge by merge."""
    rounds = [(["l", "o", "w", "e", "s", "t"], 4, "e s has rank 0"), (["l", "o", "w", "es", "t"], 3, "es t has rank 1"),
              (["l", "o", "w", "est"], 0, "l o has rank 2"), (["lo", "w", "est"], 0, "lo w has rank 3"), (["low", "est"], None, "no rule is left")]  # fmt: skip
    parts = [text(20, 28, "lowest becomes two tokens, the best pair first", 16, "start", weight="b")]
    for row, (tokens, at, words) in enumerate(rounds):
        x, y = 30, 48 + 42 * row
        first = at - 1 if row == 0 else at
        for i, token in enumerate(tokens):
            w = 22 + 12 * len(token)
            lit = first is not None and i in (first, first + 1)
            parts += [box(x, y, w, 30, "#f3d9cc" if lit else PALE, MARK if lit else INK), text(x + w / 2, y + 20, token, 15, font=MONO)]
            x += w + 6
        parts.append(text(330, y + 20, words, 14, "start", SOFT))
    return page(520, 268, parts, "Four merges of the word lowest, in the order of their ranks")


def loop():
    """The loop, and the three ways out of it."""
    parts = [text(20, 28, "Around a model: a loop with three ways out", 16, "start", weight="b")]
    steps = [("compute", 40), ("choose", 180), ("keep", 320), ("tell", 460)]
    for name, x in steps:
        parts += [box(x, 60, 96, 36), text(x + 48, 83, name, 15)]
    for x in (136, 276, 416):
        parts.append(arrow(x, 78, x + 42, 78))
    parts += [f'<path d="M 508 60 V 44 H 88 V 58" fill="none" stroke="{INK}" stroke-width="1.4"/>', arrow(88, 50, 88, 59)]
    for x, reason, words in ((228, "stop", "an end token"), (368, "length", "no room"), (508, "cancelled", "enough")):
        parts += [arrow(x, 96, x, 132, MARK), text(x, 150, reason, 14, color=MARK, font=MONO), text(x, 170, words, 13, color=SOFT)]
    return page(600, 188, parts, "Compute, choose, keep, tell; a text ends by stop, length or cancelled")


FIGURES = {
    "here.svg": lambda: here("text", "token ids", "next word"),
    "merges.svg": merges,
    "loop.svg": loop,
}
