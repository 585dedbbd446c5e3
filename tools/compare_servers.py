#!/usr/bin/env python3
"""This server beside llama.cpp's on the same file: throughput and time to the first token at some numbers of clients.

Usage: compare_servers.py MODEL.gguf [--clients 1,8,32] [--turns 2] [--threads N] [--python PYTHON]
Both run at once and idle but for the one that is asked; turns alternate, so that a busy machine slows both alike. PYTHON
needs the package xllamacpp. Prints one line a number of clients: medians over the turns and their ratio.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = ROOT / "build/release/tinyllm"
CONTEXT = 2048


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_healthy(port, process):
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as reply:
                if reply.status == 200:
                    return
        except OSError:
            pass
        if process.poll() is not None:
            sys.exit(f"{process.args[0]} ended with {process.returncode}")
        time.sleep(0.1)
    sys.exit(f"no answer on port {port}")


def start(command):
    return subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def load(port, *flags):
    command = [BINARY, "bench-serve", "--url", f"http://127.0.0.1:{port}/v1", "--json", *flags]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    report = json.loads(done.stdout)
    if report["n_failed"]:
        print(f"   {report['n_failed']} requests failed: {report['first_error']}", file=sys.stderr)
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--clients", default="1,8,32")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--requests-per-client", type=int, default=2)
    parser.add_argument("--answer-tokens", type=int, default=40, help="how long answers are on average")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of each server")
    parser.add_argument("--python", default=sys.executable)
    options = parser.parse_args()
    clients = [int(n) for n in options.clients.split(",")]
    n_threads = options.threads
    most = max(clients)

    ports = {"tiny-llm": free_port(), "llama.cpp": free_port()}
    ours = [BINARY, "serve", "-m", options.model, "--port", ports["tiny-llm"], "--quiet", "--context", CONTEXT]
    theirs = [options.python, ROOT / "tools/llama_cpp_server.py", options.model, ports["llama.cpp"], most, CONTEXT, n_threads]
    processes = {
        "tiny-llm": start([*ours, "--max-num-seqs", most, "--threads", n_threads]),
        "llama.cpp": start(theirs),
    }
    try:
        for name, port in ports.items():
            wait_healthy(port, processes[name])
            load(port, "--requests", 1, "--answer-tokens", 2)  # warm
        print(f"{'clients':>7}  {'':<10}{'tok/s':>8}{'ttft p50':>10}{'ttft p99':>10}{'itl p50':>9}")
        for n in clients:
            found = {name: [] for name in ports}
            for turn in range(options.turns):
                for name in ports if turn % 2 == 0 else reversed(ports):
                    flags = ["--clients", n, "--requests", max(4, n * options.requests_per_client), "--seed", 100 * n + turn]
                    lengths = ["--prompt-words", 60, "--answer-tokens", options.answer_tokens]
                    found[name].append(load(ports[name], *flags, *lengths))
            middle = {}
            for name, reports in found.items():
                rows = [(r["output_tokens_per_s"], r["ttft_ms"]["p50"], r["ttft_ms"]["p99"], r["itl_ms"]["p50"]) for r in reports]
                middle[name] = [statistics.median(column) for column in zip(*rows)]
                tok_s, p50, p99, itl = middle[name]
                print(f"{n:>7}  {name:<10}{tok_s:>8.1f}{p50:>8.0f}ms{p99:>8.0f}ms{itl:>7.0f}ms", flush=True)
            ratios = [a / b if b else float("nan") for a, b in zip(middle["tiny-llm"], middle["llama.cpp"])]
            print(f"{'':>7}  {'ratio':<10}{ratios[0]:>8.2f}{ratios[1]:>10.2f}{ratios[2]:>10.2f}{ratios[3]:>9.2f}", flush=True)

        shared = ["--clients", 1, "--requests", 1, "--shared-words", 1000, "--prompt-words", 10, "--answer-tokens", 4, "--fixed"]
        times = [load(ports["tiny-llm"], *shared)["ttft_ms"]["p50"] for _ in range(2)]
        print(f"a shared prompt of 1,000 words: first {times[0]:.0f} ms to the first token, then {times[1]:.0f} ms "
              f"({100 * (1 - times[1] / times[0]):.0f} % less)")  # fmt: skip
    finally:
        for process in processes.values():
            process.terminate()
            process.wait(timeout=60)


if __name__ == "__main__":
    main()
