"""ik_llama.cpp (package ik-llama-cpp-python) with run-time repacking, as one of the programs that tools/peers.py
compares; bench/peer_worker.cpp says how. It runs single sequences only: its flash attention takes no others.

usage: ik_llama_cpp_worker.py MODEL THREADS N_PROMPT N_GEN [flash]
"""

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


def decode(context, batch):
    if context.decode(batch) != 0:
        raise RuntimeError("decode failed")
    api.llama_batch_free(batch)
    context.get_logits(-1)[0]  # waits for the result


def run_single(context, n_prompt, n_gen, run):
    ids = [100 + (i * 37 + run * 11) % 4000 for i in range(n_prompt)]
    context.kv_cache_clear()
    start = time.perf_counter()
    for at in range(0, n_prompt, MAX_BATCH):
        last = at + MAX_BATCH >= n_prompt
        decode(context, internals.make_batch_range(ids[at : at + MAX_BATCH], pos_start=at, logits_last=last))
    middle = time.perf_counter()
    for i in range(n_gen):
        decode(context, internals.make_batch_single(200 + i, n_prompt + i))
    end = time.perf_counter()
    return {"prefill": n_prompt / (middle - start), "decode": n_gen / (end - middle)}


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
    for run, _ in enumerate(sys.stdin):
        print(json.dumps(run_single(context, n_prompt, n_gen, run)), flush=True)


main()
