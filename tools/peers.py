#!/usr/bin/env python3
"""Compares this engine with other CPU engines on the same files, by turns, in one run; called by ./tiny peers.

Installs the peers from the package index into build/peers, measures, prints one table of medians and ratios, and writes
bench/results/CPU.json. All programs stay loaded; one at a time runs and the others are stopped (SIGSTOP), so that a slow
minute of the machine hits them alike. Close other programs: the table says what share of the memory's speed was read.
"""

import argparse
import datetime
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ["xllamacpp==2026.10.11549", "ik-llama-cpp-python==0.1.5"]
MODELS = ["Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf", "SmolLM2-135M-Instruct.Q4_1.gguf"]
WORKERS = ROOT / "tools/peers"
N_PROMPT = 512
N_GEN = {MODELS[0]: 32, MODELS[1]: 128}
N_SEQS = 8
OURS = "tiny-llm"


class Worker:
    """A program under comparison, stopped except during its turn."""

    def __init__(self, name, command, environment):
        self.name = name
        self.process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **environment},
        )
        self.loaded = self.read()
        self.process.send_signal(signal.SIGSTOP)

    def read(self):
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError(f"{self.name} ended without an answer")

    def ask(self, what):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        answer = self.read()
        self.process.send_signal(signal.SIGSTOP)
        return answer

    def peak_bytes(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status).group(1))

    def end(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait(timeout=60)


def python_with_peers():
    environment = ROOT / "build/peers"
    python = environment / "bin/python"
    stamp = environment / "installed"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != "\n".join(PACKAGES):
        print(f"installing {', '.join(PACKAGES)}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "numpy", *PACKAGES], check=True)
        stamp.write_text("\n".join(PACKAGES), encoding="utf-8")
    return python


def find_model(name):
    home = Path(os.environ.get("TINYLLM_HOME") or Path.home() / ".cache/tinyllm")
    path = home / "models" / name
    return path if path.exists() else None


def cpu():
    """(name of the CPU, its instruction sets that matter here)"""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    field = {key: re.search(rf"^{key}\s*: (.*)$", text, re.M).group(1) for key in ("model name", "cpu family", "model", "flags")}
    wanted = ["avx2", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8"]
    name = f"{field['model name']} (family {field['cpu family']}, model {field['model']})"
    return name, [flag for flag in wanted if f" {flag} " in f" {field['flags']} "]


def isas():
    """The instruction sets of this engine to measure: the best, and AVX2 beside it."""
    _, flags = cpu()
    best = {"avx512_vnni": "avx512", "avx_vnni": "avxvnni"}
    return [isa for flag, isa in best.items() if flag in flags][:1] + ["avx2"]


def start_workers(python, model, threads):
    engine = ROOT / "build/release/peer_worker"
    sizes = [threads, N_PROMPT, N_GEN[model.name]]
    workers = [
        Worker(f"{OURS} {isa}", [engine, model, *sizes, N_SEQS], {"TINYLLM_ISA": isa}) for isa in isas()
    ]
    workers.append(Worker("llama.cpp", [python, WORKERS / "llama_cpp_worker.py", model, *sizes, 1], {}))
    for flash in ("", "flash"):
        command = [python, WORKERS / "ik_llama_cpp_worker.py", model, *sizes, flash]
        workers.append(Worker(f"ik_llama.cpp {flash}".strip(), command, {}))
    return workers


def measure(python, model, threads, repeats):
    """{program: {measurement: [values]}} of one model, the programs taking turns."""
    workers = start_workers(python, model, threads)
    slots = [Worker("llama.cpp", [python, WORKERS / "llama_cpp_worker.py", model, threads, 64, 64, N_SEQS], {})]
    slots += [worker for worker in workers if worker.name.startswith(OURS)]
    probe = Worker("probe", [ROOT / "build/release/peer_worker", "probe", threads], {})
    runs = {worker.name: {} for worker in workers}
    for worker in workers:
        runs[worker.name]["load_s"] = [worker.loaded["load_s"]]
    bandwidth = []
    for repeat in range(repeats + 1):  # the first warms up
        answers = [("", probe.ask("probe"))]
        answers += [(worker.name, worker.ask("single")) for worker in workers]
        if threads > 1:
            answers += [(worker.name, worker.ask("together")) for worker in slots]
        if repeat == 0:
            continue
        bandwidth.append(answers[0][1]["read_bandwidth"])
        for name, answer in answers[1:]:
            for key, value in answer.items():
                runs[name].setdefault(key, []).append(value)
    for worker in workers:
        runs[worker.name]["peak_bytes"] = [worker.peak_bytes()]
    packed = workers[0].loaded["packed_bytes_per_token"]
    for worker in dict.fromkeys([*workers, *slots, probe]):
        worker.end()
    return {
        "model": model.name,
        "file_bytes": model.stat().st_size,
        "packed_bytes_per_token": packed,
        "threads": threads,
        "prompt": N_PROMPT,
        "gen": N_GEN[model.name],
        "read_bandwidth": bandwidth,
        "runs": runs,
    }


def median(result, program, key):
    values = result["runs"].get(program, {}).get(key)
    return statistics.median(values) if values else None


def best_ik(result, key):
    values = [median(result, name, key) for name in result["runs"] if name.startswith("ik_llama.cpp")]
    return max((value for value in values if value is not None), default=None)


def table(result):
    bandwidth = statistics.median(result["read_bandwidth"])
    lines = [
        f"{result['model']}, {result['threads']} threads, memory reads {bandwidth / 1e9:.1f} GB/s",
        f"{'':<18}{'prefill ' + str(N_PROMPT):>12}{'decode':>9}{str(N_SEQS) + ' together':>12}{'load s':>8}{'peak MB':>9}",
    ]
    for name in result["runs"]:
        cells = [median(result, name, key) for key in ("prefill", "decode", "total", "load_s", "peak_bytes")]
        cells[4] = cells[4] / 1e6
        widths = ((12, 1), (9, 1), (12, 1), (8, 2), (9, 0))
        text = "".join(
            f"{'-':>{width}}" if cell is None else f"{cell:>{width}.{digits}f}" for cell, (width, digits) in zip(cells, widths)
        )
        lines.append(f"{name:<18}{text}")
    for name in (name for name in result["runs"] if name.startswith(OURS)):
        parts = []
        for key, word in (("prefill", "prefill"), ("decode", "decode")):
            ours, ik = median(result, name, key), best_ik(result, key)
            parts.append(f"{word} {ours / ik:.2f} x ik, {ours / median(result, 'llama.cpp', key):.2f} x llama.cpp")
        if median(result, name, "total"):
            parts.append(f"together {median(result, name, 'total') / median(result, 'llama.cpp', 'total'):.2f} x llama.cpp")
        share = result["packed_bytes_per_token"] * median(result, name, "decode") / bandwidth
        lines.append(f"{name}: {'; '.join(parts)}; decode reads at {100 * share:.0f} % of the memory's speed")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(prog="./tiny peers", description="This engine beside other CPU engines, by turns")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each program; the median counts (default 5)")
    parser.add_argument("--threads", default=f"1,{os.cpu_count()}", help="thread counts (default: 1 and all)")
    parser.add_argument("--model", action="append", choices=MODELS, help="only this one")
    arguments = parser.parse_args()
    python = python_with_peers()
    results = []
    for threads in dict.fromkeys(map(int, arguments.threads.split(","))):
        for name in arguments.model or MODELS:
            model = find_model(name)
            if model is None:
                print(f"{name} is not there: ./tiny pull it first", file=sys.stderr)
                continue
            results.append(measure(python, model, threads, arguments.repeat))
            print(table(results[-1]), flush=True)
    name, flags = cpu()
    report = {
        "cpu": name,
        "instruction_sets": flags,
        "date": datetime.date.today().isoformat(),
        "system": platform.platform(),
        "packages": PACKAGES,
        "commit": subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip(),
        "results": results,
    }
    path = ROOT / "bench/results" / (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") + ".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(f"written: {path.relative_to(ROOT)}")


main()
