"""The figures of matmul.naive."""

from drawing import INK, MARK, MONO, PALE, arrow, box, page, text


def matmul():
    parts = [text(20, 28, "out[m][n] += row m of a . row n of b", 16, "start", font=MONO, weight="b")]
    a, b = [[1, 2], [3, 4]], [[5, 6], [7, 8]]
    for name, values, left, lit in (("a", a, 50, 1), ("b", b, 230, 0)):
        parts.append(text(left + 46, 60, name, 16, font=MONO))
        for r in range(2):
            for c in range(2):
                parts += [box(left + c * 46, 72 + r * 46, 46, 46, "#f3d9cc" if r == lit else PALE), text(left + 23 + c * 46, 101 + r * 46, values[r][c], 18, font=MONO)]
    parts.append(text(456, 60, "out", 16, font=MONO))
    for r in range(2):
        for c in range(2):
            value = sum(p * q for p, q in zip(a[r], b[c]))
            lit = (r, c) == (1, 0)
            parts += [box(410 + c * 46, 72 + r * 46, 46, 46, MARK if lit else PALE), text(433 + c * 46, 101 + r * 46, value, 17, color="#fff" if lit else INK, font=MONO)]
    parts += [arrow(330, 120, 400, 140, MARK), text(20, 196, "row 1 of a = [3 4], row 0 of b = [5 6]:   3*5 + 4*6 = 39  ->  out[1][0]", 15, "start", font=MONO)]
    return page(700, 214, parts, "A matrix product of rows")


FIGURES = {
    "matmul.svg": matmul,
}
