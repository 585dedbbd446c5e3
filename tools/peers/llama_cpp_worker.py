"""llama.cpp (package xllamacpp) as one of the programs that tools/peers.py compares; bench/peer_worker.cpp says how.

usage: llama_cpp_worker.py MODEL THREADS N_PROMPT N_GEN N_SEQS
"""

import json
import sys
import threading
import time

import xllamacpp

N_TOGETHER = 64  # tokens in and out of each sequence of a batch


def prompt(n, run):
    return [100 + (i * 37 + run * 11) % 4000 for i in range(n)]


def say(**values):
    print(json.dumps(values), flush=True)


def complete(server, ids, n_gen, keeps=False):
    answer = server.handle_completions(
        {"prompt": ids, "n_predict": n_gen, "temperature": 0, "ignore_eos": True, "cache_prompt": keeps}
    )
    return json.loads(answer) if isinstance(answer, (str, bytes)) else answer


def main():
    model = sys.argv[1]
    threads, n_prompt, n_gen, n_seqs = map(int, sys.argv[2:6])
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_parallel = n_seqs
    params.n_ctx = max(n_prompt + n_gen, 2 * N_TOGETHER) * n_seqs + 64
    params.n_batch = params.n_ubatch = 512
    params.cache_ram_mib = 0  # no copies of old prompts: they cost time and memory that is not measured
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    start = time.perf_counter()
    server = xllamacpp.Server(params)
    say(load_s=time.perf_counter() - start)
    for run, line in enumerate(sys.stdin):
        if line.strip() == "single":
            timings = complete(server, prompt(n_prompt, run), n_gen + 1)["timings"]
            say(prefill=timings["prompt_per_second"], decode=timings["predicted_per_second"])
            continue
        if line.startswith("context "):
            timings = complete(server, prompt(int(line.split()[1]), 0), n_gen + 1, keeps=True)["timings"]
            say(decode=timings["predicted_per_second"])
            continue
        clients = [
            threading.Thread(target=complete, args=(server, prompt(N_TOGETHER, run * n_seqs + i), N_TOGETHER))
            for i in range(n_seqs)
        ]
        start = time.perf_counter()
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        say(total=n_seqs * N_TOGETHER / (time.perf_counter() - start))


main()
