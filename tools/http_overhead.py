#!/usr/bin/env python3
"""What HTTP costs: one-token answers of a toy model, where the engine has next to nothing to do.

Usage: http_overhead.py [--clients 64] [--requests 4000] [--turns 3]
A turn's line: requests a second, the slowest 1 %, and whose time it was: the share of the wall time that the engine spent in
steps (tinyllm:step_time_seconds), and the share of the server's processor time that its engine and compute threads took (the
rest are the threads named "http"). On a machine with other work the second is the one to trust: a step's wall time holds
what others took from it. Needs the release tree; client and server share the machine.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = ROOT / "build/release/tinyllm"
sys.path.insert(0, str(ROOT / "tests/e2e"))

import toy_model  # noqa: E402
from running_server import RunningServer  # noqa: E402


def cpu_seconds(pid):
    """Of the threads that speak HTTP, and of all others."""
    http, others = 0.0, 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
        seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        if (task / "comm").read_text().strip() == "http":
            http += seconds
        else:
            others += seconds
    return http, others


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = toy_model.write_folder(Path(folder) / "loop", toy_model.loop())
        command = [str(BINARY), "serve", "-m", str(model), "--quiet", "--max-num-seqs", str(options.clients)]
        server = RunningServer(command, dict(os.environ), Path(folder) / "log").start()
        load = [BINARY, "bench-serve", "--url", f"http://127.0.0.1:{server.port}/v1", "--json", "--fixed"]
        load += ["--clients", options.clients, "--requests", options.requests, "--prompt-words", 1, "--answer-tokens", 1]
        try:
            for turn in range(options.turns + 1):  # the first one warms up
                steps, (http, others) = server.metric("tinyllm:step_time_seconds_sum"), cpu_seconds(server.process.pid)
                started = time.monotonic()
                done = subprocess.run(list(map(str, load)), capture_output=True, text=True, check=True)
                wall = time.monotonic() - started
                steps = server.metric("tinyllm:step_time_seconds_sum") - steps
                http, others = (after - before for after, before in zip(cpu_seconds(server.process.pid), (http, others)))
                report = json.loads(done.stdout)
                if turn == 0:
                    continue
                speed = f"{report['requests_per_s']:7.0f} requests/s, p99 {report['total_ms']['p99']:5.0f} ms"
                cpu_us = 1e6 * (http + others) / options.requests
                shares = f"in steps {steps / wall:4.0%} of the wall time; HTTP {http / (http + others):4.0%} of the processor time"
                print(f"{speed}; {shares}, which is {cpu_us:4.0f} us a request; {report['n_failed']} failed", flush=True)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
