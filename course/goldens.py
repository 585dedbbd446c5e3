"""What the cases.py of a task is written with: numbers as a float32 holds them, and arrays with a tolerance each."""

import math
import random
import struct

EPS = 2.0**-24  # one rounding of a float32, relative
TINY = 2.0**-149  # the smallest float32: what underflow may lose


def f32(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def normal(rng, n, spread=1.0):
    return [f32(rng.gauss(0, spread)) for _ in range(n)]


def listed(values):
    """A list for JSON; as text where it holds an infinity, which JSON cannot say."""
    return " ".join(repr(v) for v in values) if any(math.isinf(v) for v in values) else values


def array(shape, axes, values, tolerance):
    return {"shape": shape, "axes": axes, "values": listed(values), "tolerance": [float(f"{t:.3g}") for t in tolerance]}


def unlisted(values):
    return [float(v) for v in values.split()] if isinstance(values, str) else values


def escaped(data):
    """Bytes as learn/printable_bytes.h writes them: "\\xE4" for what is no character or cannot be seen."""
    text = data.decode("utf-8", "surrogateescape")
    return "".join(f"\\x{ord(c) - 0xDC00:02X}" if 0xDC80 <= ord(c) <= 0xDCFF else
                   f"\\x{ord(c):02X}" if (ord(c) < 32 and c != "\n") or ord(c) == 127 else c for c in text)  # fmt: skip


def lines(texts):
    """A text of several lines, as an input or as an answer."""
    return {"lines": list(texts)}


def trace(of, answers):
    """What a trace must answer: a line for each call in the input `of`."""
    return {"trace_of": of, "lines": list(answers)}
