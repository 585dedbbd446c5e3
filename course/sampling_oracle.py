"""Candidates in their order, as exact whole numbers: for the cases of sample.*."""

from goldens import f32

FULL_MASS = 2**40


def candidates(logits, masses=None):
    """(logit, id, mass) of each id; without masses, 2^40 * 2^(logit - largest), as softmax in base 2 would give."""
    logits = [f32(v) for v in logits]
    masses = masses or [max(1, int(FULL_MASS * 2.0 ** (v - max(logits)))) for v in logits]
    return list(zip(logits, range(len(logits)), masses))


def in_order(given):
    """Larger logit first, then the lower id."""
    return sorted(given, key=lambda c: (-c[0], c[1]))


def inputs_of(given):
    return {"logits": [c[0] for c in given], "masses": [c[2] for c in given]}
