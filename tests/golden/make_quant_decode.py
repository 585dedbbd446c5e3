"""Blocks of random bytes in every quantised format and the values that the gguf package reads from them.

    python tests/golden/make_quant_decode.py

writes data/quant_decode.bin: for each format in the order of FORMATS, the blocks of 1024 elements, then
1024 f32 values. The first blocks carry extreme scales (zero, subnormal, largest, infinite, NaN, negative).
"""

import pathlib

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf.quants import dequantize

N = 1024
# Format and the byte offsets of its binary16 fields within a block.
FORMATS = [(T.Q4_0, [0]), (T.Q4_1, [0, 2]), (T.Q5_0, [0]), (T.Q5_1, [0, 2]), (T.Q8_0, [0]),
           (T.Q2_K, [80, 82]), (T.Q3_K, [108]), (T.Q4_K, [0, 2]), (T.Q5_K, [0, 2]), (T.Q6_K, [208]),
           (T.IQ4_NL, [0])]
# Two blocks at least are left with ordinary scales in the formats of 256 elements.
EXTREME = {32: [0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00],
           256: [0x7BFF, 0x8001]}


def main():
    rng = np.random.default_rng(3)
    out = bytearray()
    for kind, scale_offsets in FORMATS:
        block_elems, block_bytes = GGML_QUANT_SIZES[kind]
        blocks = rng.integers(0, 256, (N // block_elems, block_bytes), dtype=np.uint8)
        for offset in scale_offsets:
            scales = rng.normal(0, 0.01, len(blocks)).astype(np.float16)
            extreme = np.array(EXTREME[block_elems], dtype=np.uint16)
            bits = scales.view(np.uint16)
            bits[:len(extreme)] = rng.permutation(extreme)
            blocks[:, offset:offset + 2] = bits.view(np.uint8).reshape(-1, 2)
        with np.errstate(all="ignore"):
            values = dequantize(blocks, kind).astype(np.float32)
        assert values.size == N
        out += blocks.tobytes() + values.tobytes()
    path = pathlib.Path(__file__).parent / "data" / "quant_decode.bin"
    path.write_bytes(out)
    print(path.name, len(out), "bytes")


if __name__ == "__main__":
    main()
