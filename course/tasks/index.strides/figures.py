"""The figures of index.strides."""

from drawing import MARK, MONO, PALE, SOFT, arrow, box, page, text


def strides():
    parts = [text(20, 28, "A table of 2 rows and 3 columns lies in memory as 6 numbers in a row", 16, "start", weight="b")]
    letters = "abcdef"
    for i, letter in enumerate(letters):
        r, c = divmod(i, 3)
        parts += [box(40 + c * 46, 56 + r * 46, 46, 46), text(63 + c * 46, 85 + r * 46, letter, 18, font=MONO)]
        fill = "#f3d9cc" if r else PALE
        parts += [box(260 + i * 46, 79, 46, 46, fill), text(283 + i * 46, 108, letter, 18, font=MONO), text(283 + i * 46, 144, i, 13, color=SOFT, font=MONO)]
    parts += [text(20, 85, "row 0", 13, color=SOFT), text(20, 131, "row 1", 13, color=SOFT)]
    parts += [arrow(283, 66, 421, 66, MARK), text(352, 58, "next row: 3 steps", 13, color=MARK)]
    parts += [text(20, 178, "strides [3, 1];  element [1, 2] lies at 1 * 3 + 2 * 1 = 5, which is f", 14, "start", font=MONO)]
    return page(640, 200, parts, "Strides of a table")


FIGURES = {
    "strides.svg": strides,
}
