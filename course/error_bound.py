"""Numbers in float64 with a bound of how far off float32 may be, carried through every operation (Wilkinson's running error
analysis). For the cases of whole layers, where no formula of one line gives a tolerance. Any order of addition stays inside."""

import math

from goldens import EPS


class N:
    """A value and the bound of its error."""

    def __init__(self, v, e=0.0):
        self.v, self.e = v, e


def add(a, b):
    v = a.v + b.v
    return N(v, a.e + b.e + EPS * abs(v))


def dot(xs, ys, start=N(0.0)):
    """start + sum of x * y: n products and n sums are rounded, in any order."""
    v = math.fsum([start.v, *(x.v * y.v for x, y in zip(xs, ys))])
    size = abs(start.v) + math.fsum(abs(x.v * y.v) for x, y in zip(xs, ys))
    given = start.e + math.fsum(abs(x.v) * y.e + abs(y.v) * x.e + x.e * y.e for x, y in zip(xs, ys))
    return N(v, given + (len(xs) + 1) * EPS * size)


def scaled(x, factor):
    return N(x.v * factor, x.e * abs(factor) + 2 * EPS * abs(x.v * factor))


def exact(values):
    return [N(v) for v in values]


def rows(flat, width):
    return [flat[i : i + width] for i in range(0, len(flat), width)]


def linear(x, weight, bias=None):
    """weight: rows of floats; bias: floats or None."""
    return [dot(x, exact(row), N(bias[n]) if bias else N(0.0)) for n, row in enumerate(weight)]


def rms_norm(x, weight, eps):
    mean = dot(x, x)
    mean = N(mean.v / len(x) + eps, mean.e / len(x) + 2 * EPS * (mean.v / len(x) + eps))
    inverse = 1 / math.sqrt(mean.v)
    off = inverse * (mean.e / (2 * mean.v)) + 2 * EPS * inverse
    out = []
    for value, w in zip(x, weight):
        v = value.v * inverse * w
        out.append(N(v, (value.e * inverse + abs(value.v) * off) * abs(w) + 2 * EPS * abs(v)))
    return out


def rope(head, position, theta):
    """Split halves. Cosine and sine come from a table of rounded numbers."""
    half, out = len(head) // 2, [None] * len(head)
    for i in range(half):
        angle = position * theta ** (-2 * i / len(head))
        cos, sin, minus = (N(v, 2 * EPS) for v in (math.cos(angle), math.sin(angle), -math.sin(angle)))
        a, b = head[i], head[i + half]
        out[i], out[i + half] = dot([a, b], [cos, minus]), dot([a, b], [sin, cos])
    return out


def attend(query, keys, values):
    """One head of one query over the keys that it sees."""
    scores = [scaled(dot(query, key), 1 / math.sqrt(len(query))) for key in keys]
    top = max(scores, key=lambda s: s.v)
    weights = []
    for score in scores:
        far = top.v - score.v
        weight = math.exp(-far)
        weights.append(N(weight, weight * (math.expm1(score.e + top.e + EPS * far) + 3 * EPS)))
    total = dot(weights, exact([1.0] * len(weights)))
    weights = [N(w.v / total.v, w.e / total.v + w.v * total.e / total.v**2 + EPS * w.v / total.v) for w in weights]
    return [dot(weights, [value[d] for value in values]) for d in range(len(values[0]))]


def silu_mul(gate, up):
    out = []
    for g, u in zip(gate, up):
        sigmoid = 1 / (1 + math.exp(-g.v))
        silu = N(g.v * sigmoid, 1.1 * g.e + 5 * EPS * abs(g.v * sigmoid))  # its slope is below 1.1
        out.append(dot([silu], [u]))
    return out
