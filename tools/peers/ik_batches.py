"""Whether ik_llama.cpp (package ik-llama-cpp-python) computes the same logits for a prompt in one batch as token by token.

With a Q4_1 model and version 0.1.5 it does not from 32 tokens on: 9.7 of a range of 24 logits on SmolLM2-135M. So its prefill
speed for that format is left out of the comparisons (bench/tables.py).

usage: build/peers/bin/python tools/peers/ik_batches.py MODEL.gguf      (./tiny peers makes build/peers)
"""

import sys

import ik_llama_cpp._ctypes_api as api
from ik_llama_cpp import _internals as internals

N_TOKENS = 64


def last_logits(model, n_vocab, width):
    context = internals.IkContext(model, n_ctx=256, n_threads=2, flash_attn=False)
    ids = [100 + (i * 37) % 4000 for i in range(N_TOKENS)]
    for at in range(0, N_TOKENS, width):
        batch = internals.make_batch_range(ids[at : at + width], pos_start=at, logits_last=True)
        if context.decode(batch) != 0:
            raise RuntimeError("decode failed")
        api.llama_batch_free(batch)
    return list(context.get_logits(-1)[:n_vocab])


def main():
    model = internals.IkModel(sys.argv[1], use_mmap=False)
    n_vocab = 32000  # every model that we compare knows more tokens
    one_by_one = last_logits(model, n_vocab, 1)
    print(f"range of the logits: {max(one_by_one) - min(one_by_one):.1f}")
    for width in (16, 31, 32, 64):
        difference = max(abs(a - b) for a, b in zip(last_logits(model, n_vocab, width), one_by_one))
        print(f"batches of {width:2} tokens: largest difference {difference:.4f}")


main()
