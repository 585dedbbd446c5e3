#!/usr/bin/env python3
"""Writes the seed files of fuzz_gguf, fuzz_safetensors and fuzz_http_request: whole ones and broken ones.

Run from anywhere: python3 tests/fuzz/make_corpus.py. The files are committed; run it again only to
change them.
"""

import json
import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus"
U8, U32, F32, BOOL, STRING, ARRAY, U64 = 0, 4, 6, 7, 8, 9, 10  # GGUF's value types
FORMATS = {"F32": (0, 1, 4), "F16": (1, 1, 2), "Q8_0": (8, 32, 34), "BF16": (30, 1, 2)}


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def key(name, kind, value):
    if kind == STRING:
        return text(name) + struct.pack("<I", kind) + text(value)
    if kind == ARRAY and all(isinstance(v, str) for v in value):
        head = struct.pack("<IIQ", ARRAY, STRING, len(value))
        return text(name) + head + b"".join(text(v) for v in value)
    if kind == ARRAY:
        return text(name) + struct.pack(f"<IIQ{len(value)}i", ARRAY, 5, len(value), *value)
    code = {U8: "B", U32: "I", F32: "f", BOOL: "?", U64: "Q"}[kind]
    return text(name) + struct.pack("<I" + code, kind, value)


def gguf(keys, tensors, version=3, alignment=32, counts=None):
    """tensors: (name, dims innermost first, format); all data are zero."""
    table, data = b"", b""
    for name, dims, kind in tensors:
        number, block, block_bytes = FORMATS[kind]
        data += b"\0" * (-len(data) % alignment)
        table += text(name) + struct.pack(f"<I{len(dims)}Q", len(dims), *dims)
        table += struct.pack("<IQ", number, len(data))
        n_elems = 1
        for dim in dims:
            n_elems *= dim
        data += b"\0" * (n_elems // block * block_bytes)
    n_tensors, n_keys = counts or (len(tensors), len(keys))
    head = b"GGUF" + struct.pack("<IQQ", version, n_tensors, n_keys) + b"".join(keys) + table
    return head + b"\0" * (-len(head) % alignment) + data


def model(arch, tied, kind="F32", extra=(), width=4):
    """One layer, one head of `width`, six tokens of a byte-level BPE."""
    keys = [
        key("general.architecture", STRING, arch),
        key(f"{arch}.block_count", U32, 1),
        key(f"{arch}.context_length", U32, 16),
        key(f"{arch}.embedding_length", U32, width),
        key(f"{arch}.feed_forward_length", U32, width),
        key(f"{arch}.attention.head_count", U32, 1),
        key(f"{arch}.attention.layer_norm_rms_epsilon", F32, 1e-5),
        key(f"{arch}.rope.freq_base", F32, 1e4),
        key("tokenizer.ggml.model", STRING, "gpt2"),
        key("tokenizer.ggml.pre", STRING, "qwen2"),
        key("tokenizer.ggml.tokens", ARRAY, ["<s>", "a", "b", "ab", "Ġ", "<t>"]),
        key("tokenizer.ggml.token_type", ARRAY, [3, 1, 1, 1, 1, 4]),
        key("tokenizer.ggml.merges", ARRAY, ["a b"]),
        key("tokenizer.ggml.bos_token_id", U32, 0),
        key("tokenizer.ggml.add_bos_token", BOOL, True),
        key("tokenizer.chat_template", STRING, "{{ messages }}"),
        *extra,
    ]
    square = [width, width]
    tensors = [("token_embd.weight", [width, 6], kind), ("output_norm.weight", [width], "F32")]
    tensors += [] if tied else [("output.weight", [width, 6], kind)]
    tensors += [(f"blk.0.{name}.weight", [width], "F16") for name in ("attn_norm", "ffn_norm")]
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
        tensors.append((f"blk.0.{name}.weight", square, kind))
    if arch == "qwen2":
        tensors += [(f"blk.0.attn_{name}.bias", [width], "F32") for name in "qkv"]
    if arch == "qwen3":
        tensors += [(f"blk.0.attn_{name}_norm.weight", [width], "BF16") for name in "qk"]
    return keys, tensors


def safetensors(entries, n_data_bytes):
    header = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(header)) + header + b"\0" * n_data_bytes


def entry(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def http(body, head="POST /v1/completions HTTP/1.1"):
    body = body.encode() if isinstance(body, str) else body
    return f"{head}\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def main():
    yarn = [key("qwen2.rope.scaling.type", STRING, "yarn"), key("qwen2.rope.scaling.factor", F32, 4)]
    keys, tensors = model("llama", tied=True)
    files = {
        "gguf/llama.gguf": gguf(keys, tensors),
        "gguf/rope_freqs_zero.gguf": gguf(keys, tensors + [("rope_freqs.weight", [2], "F32")]),
        "gguf/qwen2_yarn.gguf": gguf(*model("qwen2", tied=False, extra=yarn)),
        "gguf/qwen3_v2_q8.gguf": gguf(*model("qwen3", True, "Q8_0", width=32), version=2),
        "gguf/align_64.gguf": gguf([key("general.alignment", U32, 64)], [("a", [3, 2], "F32")], 3, 64),
        "gguf/alignment_3.gguf": gguf([key("general.alignment", U32, 3)], []),
        "gguf/same_key.gguf": gguf([key("a", U8, 1)] * 2, []),
        "gguf/nested_array.gguf": gguf([text("a") + struct.pack("<IIQ", ARRAY, ARRAY, 1)], []),
        "gguf/long_array.gguf": gguf([text("a") + struct.pack("<IIQ", ARRAY, STRING, 1 << 61)], []),
        "gguf/many_tensors.gguf": gguf([], [], counts=(1 << 63, 0)),
        "gguf/zero_dim.gguf": gguf([], [("a", [4, 0], "F32")]),
        "gguf/wrap.gguf": gguf([], [])[:8] + struct.pack("<QQ", 1, 0) + text("a")
        + struct.pack("<IQQIQ", 2, 1 << 33, 1 << 33, 0, 0),
        "safetensors/two.safetensors": safetensors(
            {"__metadata__": {"format": "pt"}, "a": entry("BF16", [2, 3], 0, 12),
             "b": entry("F32", [1], 12, 16)}, 16),
        "safetensors/f16.safetensors": safetensors({"w": entry("F16", [1, 1, 2], 0, 4)}, 4),
        "safetensors/gap.safetensors": safetensors({"w": entry("F32", [1], 4, 8)}, 8),
        "safetensors/wrap.safetensors": safetensors({"w": entry("F32", [1 << 33, 1 << 33], 0, 4)}, 4),
        "safetensors/fp8.safetensors": safetensors({"w": entry("F8_E4M3", [4], 0, 4)}, 4),
        "safetensors/deep.safetensors": safetensors(b'{"a":' + b"[" * 99, 0),
        "safetensors/same_key.safetensors": safetensors(b'{"a":{},"a":{}}', 0),
        "safetensors/long_header.safetensors": struct.pack("<Q", 1 << 40) + b"{}",
        "http_request/chat.http": http(
            '{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}],"n":2,"stop":["x"],"logprobs":true,'
            '"top_logprobs":3,"logit_bias":{"5":-1.5},"stream":true,"stream_options":{"include_usage":true},"seed":1}'
        ),
        "http_request/completion.http": http('{"prompt":[1,"a",2],"max_tokens":0,"echo":true,"logprobs":2,"top_k":-1}'),
        "http_request/detokenize.http": http('{"tokens":[1,2],"skip_special_tokens":true}'),
        "http_request/nested.http": http("[" * 99),
        "http_request/numbers.http": http('{"prompt":"a","seed":9223372036854775808,"n":1e400,"temperature":NaN}'),
        "http_request/utf8.http": http(b'{"prompt":"\xff\xc3\\ud800"}'),
        "http_request/chunked.http": b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\n{}\n\r\n0\r\nA: b\r\n\r\n",
        "http_request/two_lengths.http": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "http_request/get.http": http(b"", "GET /metrics?x=%20 HTTP/1.0"),
    }
    for name, data in files.items():
        path = CORPUS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    main()
