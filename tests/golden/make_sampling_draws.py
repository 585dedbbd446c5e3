"""Prints the tables of src/sampling/golden_draws_test.cpp: the sampler a second time, slow and plain.

Every f32 operation is numpy's (one rounding each); an fma is computed with fractions and rounded once;
masses are Python integers; the order is a full sort. Run: python make_sampling_draws.py
"""

from fractions import Fraction

import numpy as np

F = np.float32
FULL_MASS = 1 << 40
MASK64 = (1 << 64) - 1
COEFFICIENTS = [F(float.fromhex(c)) for c in ("0x1.62e43p-1", "0x1.ebfbep-3", "0x1.c6af6cp-5",
                                              "0x1.3b2a54p-7", "0x1.5f089p-10", "0x1.44138ap-13")]


def philox(counter, key):
    for _ in range(10):
        product0, product1 = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [(product1 >> 32) ^ counter[1] ^ key[0], product1 & 0xFFFFFFFF,
                   (product0 >> 32) ^ counter[3] ^ key[1], product0 & 0xFFFFFFFF]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return counter


def random_bits(seed, position):
    low, high, _, _ = philox([position & 0xFFFFFFFF, position >> 32, 0, 0], [seed & 0xFFFFFFFF, seed >> 32])
    return low | high << 32


def round_to_f32(x):
    """A Fraction to the nearest f32, ties to even (normal range only)."""
    if x == 0:
        return F(0)
    sign, x = (-1, -x) if x < 0 else (1, x)
    exponent = x.numerator.bit_length() - x.denominator.bit_length()
    if Fraction(2) ** exponent > x:
        exponent -= 1
    return F(sign * float(round(x / Fraction(2) ** (exponent - 23)) * Fraction(2) ** (exponent - 23)))


def exp2(x):
    x = max(F(x), F(-64))
    n = int(np.rint(x))
    r = F(F(F(x - F(n)) + F(1.5)) - F(1.5))
    power = COEFFICIENTS[5]
    for c in COEFFICIENTS[4::-1] + [F(1)]:
        power = round_to_f32(Fraction(float(power)) * Fraction(float(r)) + Fraction(float(c)))
    return Fraction(float(power)) * Fraction(2) ** n


def masses(logits, temperature):
    scale = F(F(float.fromhex("0x1.715476p+0")) / F(temperature))
    largest = max(logits)
    return [int(exp2(F(F(x - largest) * scale)) * FULL_MASS) for x in logits]


def sample(logits, seed, position, temperature, top_k, top_p, min_p):
    mass = masses(logits, temperature)
    order = sorted((i for i in range(len(logits)) if mass[i] > 0), key=lambda i: (-logits[i], i))
    order = [i for i in order if mass[i] >= Fraction(float(F(min_p))) * FULL_MASS]
    if top_k > 0:
        order = order[:top_k]
    target, total, kept = Fraction(float(F(top_p))) * sum(mass[i] for i in order), 0, 0
    while total < target:
        total += mass[order[kept]]
        kept += 1
    point = total * random_bits(seed, position) >> 64
    for i in order[:kept]:
        if point < mass[i]:
            return i
        point -= mass[i]


def row(n, seed):
    """n logits that are sums of two uniform ones: multiples of 2^-20 in [-8, 8)."""
    words = [random_bits(seed, i) for i in range(n)]
    return [F((((w >> 41) + (w & 0x7FFFFF)) - (1 << 23)) * 2.0 ** -20) for w in words]


SETTINGS = [(1.0, 0, 1.0, 0.0), (0.8, 0, 0.95, 0.0), (1.3, 40, 0.9, 0.0), (1.0, 0, 1.0, 0.05)]


def main():
    draws = []
    for i in range(200):
        temperature, top_k, top_p, min_p = SETTINGS[i % 4]
        logits = row(500 if i >= 8 else 5000, 1000 + i)
        draws.append(sample(logits, 77 + i, 3 * i, temperature, top_k, top_p, min_p))
    print("draws:", ", ".join(map(str, draws)))
    checksum = 0xCBF29CE484222325  # FNV-1a over the 32-bit patterns
    for i in range(1000):
        # [-64, 0] in steps of 2^-18 and [-1/8, 0] in steps of 2^-27, finer than r keeps.
        x = F(-(random_bits(5, i) >> 40)) * F(2.0 ** (-18 if i % 2 == 0 else -27))
        bits = int(np.float32(float(exp2(x))).view(np.uint32))
        checksum = ((checksum ^ bits) * 0x100000001B3) & MASK64
    print(f"exp2: 0x{checksum:016X}")


if __name__ == "__main__":
    main()
