"""ik_llama.cpp (package ik-llama-cpp-python) with run-time repacking, as one of the programs that tools/peers.py
compares; bench/peer_worker.cpp says how. It runs single sequences only: its flash attention takes no others.

usage: ik_llama_cpp_worker.py MODEL THREADS N_PROMPT N_GEN [flash]
"""

import ctypes
import json
import sys
import time

import ik_llama_cpp._ctypes_api as api
from ik_llama_cpp import _internals as internals

MAX_BATCH = 512


def repacking_defaults(plain=api.llama_model_default_params):
    params = plain()
    params.repack_tensors = True
    return params


# The package binds most functions of the library, but not this one: sequence, first position, the one after the last.
@api._cfunc("llama_kv_cache_seq_rm", [ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32, ctypes.c_int32], ctypes.c_bool)
def forget(context, sequence, begin, end): ...


def decode(context, batch, waits=True):
    if context.decode(batch) != 0:
        raise RuntimeError("decode failed")
    api.llama_batch_free(batch)
    if waits:
        context.get_logits(-1)[0]


def prefill(context, n_prompt, run):
    ids = [100 + (i * 37 + run * 11) % 4000 for i in range(n_prompt)]
    context.kv_cache_clear()
    for at in range(0, n_prompt, MAX_BATCH):
        last = at + MAX_BATCH >= n_prompt
        batch = internals.make_batch_range(ids[at : at + MAX_BATCH], pos_start=at, logits_last=last)
        decode(context, batch, waits=last)


def generate(context, n_prompt, n_gen):
    for i in range(n_gen):
        decode(context, internals.make_batch_single(200 + i, n_prompt + i))


def run_single(context, n_prompt, n_gen, run):
    start = time.perf_counter()
    prefill(context, n_prompt, run)
    middle = time.perf_counter()
    generate(context, n_prompt, n_gen)
    end = time.perf_counter()
    return {"prefill": n_prompt / (middle - start), "decode": n_gen / (end - middle)}


def run_context(context, n_context, n_gen, is_there):
    """Tokens after n_context positions, which are computed unless they are there; they stay."""
    if not is_there:
        prefill(context, n_context, 0)
    start = time.perf_counter()
    generate(context, n_context, n_gen)
    end = time.perf_counter()
    if not forget(context.ctx, 0, n_context, -1):
        raise RuntimeError("the decoded tokens cannot be forgotten")
    return {"decode": n_gen / (end - start)}


def main():
    model = sys.argv[1]
    threads, n_prompt, n_gen = map(int, sys.argv[2:5])
    api.llama_model_default_params = repacking_defaults
    start = time.perf_counter()
    loaded = internals.IkModel(model, use_mmap=False)
    context = internals.IkContext(
        loaded, n_ctx=n_prompt + n_gen + 64, n_threads=threads, flash_attn="flash" in sys.argv[5:]
    )
    print(json.dumps({"load_s": time.perf_counter() - start}), flush=True)
    n_there = 0
    for run, line in enumerate(sys.stdin):
        if line.startswith("context "):
            n_context = int(line.split()[1])
            answer = run_context(context, n_context, n_gen, n_context == n_there)
            n_there = n_context
        else:
            answer = run_single(context, n_prompt, n_gen, run)
            n_there = 0
        print(json.dumps(answer), flush=True)


main()
