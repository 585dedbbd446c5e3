"""Attention of one head in float64, with how far off a float32 may be: for the cases of attention.*."""

import math

from goldens import EPS


def attention_row(q, keys, values, mask):
    """out and tolerance of one query. q: [d]; keys, values: rows of [d]; mask: one number a key, or None."""
    scale = 1 / math.sqrt(len(q))
    scores, errors = [], []
    for j, key in enumerate(keys):
        products = [a * b for a, b in zip(q, key)]
        added = mask[j] if mask else 0.0
        score = math.fsum(products) * scale + added
        scores.append(score)
        # d products, d sums and the scale are rounded, then the mask's sum.
        norm = math.fsum(map(abs, products)) * scale
        errors.append(0.0 if math.isinf(score) else (len(q) + 3) * EPS * norm + 2 * EPS * (abs(added) + abs(score)))
    top = max(scores)
    weights = [math.exp(s - top) for s in scores]
    total = math.fsum(weights)
    p = [w / total for w in weights]
    # exp makes a relative error of an absolute one; the largest score is off as well.
    far = [0.0 if math.isinf(s) else top - s for s in scores]
    relative = [2 * max(errors) + (len(keys) + 6 + 2 * f) * EPS for f in far]
    out, tolerance = [], []
    for d in range(len(values[0])):
        terms = [w * v[d] for w, v in zip(p, values)]
        out.append(math.fsum(terms))
        tolerance.append(math.fsum(abs(t) * (2 * r + (len(keys) + 1) * EPS) for t, r in zip(terms, relative)) + 1e-42)
    return out, tolerance


def rows(flat, n, stride, first, width):
    """Row i of `width` numbers at i * stride + first, for i below n."""
    return [flat[i * stride + first : i * stride + first + width] for i in range(n)]
