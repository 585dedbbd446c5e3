"""The cases of index.strides, from small to large, and what float64 answers."""

import math

from goldens import array


def cases():
    def dims_case(name, dims):
        strides = [math.prod(dims[i + 1 :]) for i in range(len(dims))]
        want = {"strides": array([len(dims)], ["i"], strides, [0] * len(dims))}
        return {"name": name, "function": "row_major_strides", "inputs": {"dims": dims}, "want": want}

    def offset_case(name, index, strides):
        offset = sum(i * s for i, s in zip(index, strides))
        want = {"offset": array([], [], [offset], [0])}
        return {"name": name, "function": "element_offset", "inputs": {"index": index, "strides": strides}, "want": want}

    return [
        dims_case("a row of 5", [5]),
        dims_case("a table of 2 rows, 3 columns", [2, 3]),
        dims_case("a box of 2 x 3 x 4", [2, 3, 4]),
        dims_case("a dimension of 1", [4, 1, 6]),
        dims_case("keys of SmolLM2: 30 layers, 2048 positions, 3 heads, 64 values", [30, 2048, 3, 64]),
        offset_case("the first element", [0, 0], [3, 1]),
        offset_case("row 1, column 2 of a 2 x 3 table", [1, 2], [3, 1]),
        offset_case("element [1, 2, 3] of a 2 x 3 x 4 box", [1, 2, 3], [12, 4, 1]),
        offset_case("rows that do not touch: 3 columns used of 8", [2, 1], [8, 1]),
        offset_case("key 63 of head 2, position 2047, layer 29", [29, 2047, 2, 63], [393216, 192, 64, 1]),
    ]
