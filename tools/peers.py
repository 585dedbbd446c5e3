#!/usr/bin/env python3
"""Compares this engine with other CPU engines on the same files, by turns, in one run; called by ./tiny peers.

Installs the peers from the package index into build/peers, fetches the models, measures, prints a table of medians and
ratios for each model, and puts the results into bench/results/CPU.json. All programs stay loaded; one at a time runs and
the others are stopped (SIGSTOP), so that a slow minute of the machine hits them alike. Close other programs: the table
says what share of the memory's speed was read.
"""

import argparse
import datetime
import os
import platform
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKERS = ROOT / "tools/peers"
sys.path.insert(0, str(WORKERS))

from report import OURS, save, table  # noqa: E402
from worker import Workers  # noqa: E402

PACKAGES = ["xllamacpp==2026.10.11549", "ik-llama-cpp-python==0.1.5"]
TOOLS = ["numpy==2.4.6", "gguf==0.19.0"]
PEERS = ROOT / "build/peers"
BINARY = ROOT / "build/release/tinyllm"
ENGINE = ROOT / "build/release/peer_worker"
N_PROMPT = 512
N_SEQS = 8
CONTEXTS = (128, 4096)
N_GEN_AFTER_CONTEXT = 32


@dataclass(frozen=True)
class Model:
    name: str  # as in `tinyllm list`; of the random one, its own
    file: str
    n_gen: int  # tokens decoded for one value
    is_random: bool = False  # made here, measured with one sequence only
    shape: str = ""  # of `random:SHAPE:bf16`, quantised to Q4_K; else Qwen2.5-0.5B's in BF16


MODELS = {
    model.name: model
    for model in (
        Model("qwen2.5-coder-1.5b", "Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf", 32),
        Model("smollm2-135m", "SmolLM2-135M-Instruct.Q4_1.gguf", 128),
        Model("random-qwen2.5-0.5b-bf16", "random-qwen2.5-0.5b.BF16.gguf", 64, is_random=True),
        Model(
            "random-qwen3-30b-a3b-4l-q4_k", "random-qwen3-30b-a3b-4l.Q4_K.gguf", 64, is_random=True, shape="qwen3-30b-a3b-4l"
        ),
    )
}
LONG_CONTEXT_MODEL = TOKENIZER_MODEL = MODELS["qwen2.5-coder-1.5b"]


class NotMeasured(RuntimeError):
    """Why a model was left out, in one line."""


def python_with_peers():
    python, stamp = PEERS / "bin/python", PEERS / "installed"
    wanted = "\n".join(PACKAGES + TOOLS)
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        print(f"installing {', '.join(PACKAGES)}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", PEERS], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *TOOLS, *PACKAGES], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    return python


def model_folder():
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TINYLLM_HOME") or Path(cache) / "tinyllm") / "models"


def make_random(model, python, tokenizer, path):
    """Writes the file of a model with random weights; False when that failed."""

    def works(*command):
        return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0

    if not model.shape:
        return works(python, WORKERS / "make_random_gguf.py", tokenizer, path)
    bare = path.with_suffix(".bare")
    made = works(BINARY, "quantize", f"random:{model.shape}:bf16", bare, "--type", "q4_k")
    made = made and works(python, WORKERS / "add_tokenizer.py", bare, tokenizer, path)
    bare.unlink(missing_ok=True)
    return made


def fetch(model, python):
    """The model's file, pulled or made when it is not there. Throws NotMeasured."""
    if model.is_random:
        path = PEERS / model.file
        if not path.exists():
            tokenizer = fetch(TOKENIZER_MODEL, python)
            print(f"making {path.relative_to(ROOT)} (1 or 2 GB)", file=sys.stderr)
            if not make_random(model, python, tokenizer, path):
                raise NotMeasured(f"{path.name} could not be made")
        return path
    path = model_folder() / model.file
    if not path.exists() and subprocess.run([BINARY, "pull", model.name], stdout=subprocess.DEVNULL, check=False).returncode != 0:
        raise NotMeasured(f"{model.name} could not be fetched: ./tiny pull {model.name}")
    return path


def require_memory(path, n_programs, available):
    """A program holds the weights once, with its buffers up to 1.5 times the file and 250 MB. Throws NotMeasured."""
    needed = n_programs * (1.5 * path.stat().st_size + 250e6)
    if needed > available:
        raise NotMeasured(
            f"{path.name}: {n_programs} programs need about {needed / 1e9:.0f} GB of memory, {available / 1e9:.0f} GB are free"
        )


def available_memory():
    return 1024 * int(re.search(r"MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text(encoding="ascii")).group(1))


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


def start_workers(workers, python, path, sizes, contexts=()):
    """Every engine with `path` loaded; sizes: threads, tokens of the prompt (or the longest context), tokens decoded."""
    for isa in isas():
        ours = [ENGINE, path, *sizes, 1 if contexts else N_SEQS, *(["context"] if contexts else [])]
        workers.start(f"{OURS} {isa}", ours, {"TINYLLM_ISA": isa})
    workers.start("llama.cpp", [python, WORKERS / "llama_cpp_worker.py", path, *sizes, 1])
    for flash in ("", "flash"):
        workers.start(f"ik_llama.cpp {flash}".strip(), [python, WORKERS / "ik_llama_cpp_worker.py", path, *sizes, flash])
    if not any(worker.name.startswith(OURS) for worker in workers.alive):
        raise NotMeasured(f"{path.name}: this engine did not load it")


def take_turns(workers, turns, repeats, runs, rename=lambda key: key, probe=None):
    """Asks every (worker, question) of `turns` in each round, the first to warm up; runs: {program: {key: [values]}}.

    With a probe each `single` comes with the memory's speed right before it: on shared machines that moves within seconds.
    """
    for repeat in range(repeats + 1):
        for worker, question in turns:
            speed = workers.ask(probe, "probe") if probe and question == "single" else {}
            answer = workers.ask(worker, question)
            for key, value in {**speed, **answer}.items() if answer and repeat > 0 else ():
                runs.setdefault(worker.name, {}).setdefault(rename(key), []).append(value)


def facts(path, threads, repeats):
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    return {
        "model": path.name,
        "file_bytes": path.stat().st_size,
        "threads": threads,
        "repeats": repeats,
        "date": datetime.date.today().isoformat(),
        "commit": commit,
        "packages": PACKAGES,
    }


def measure(model, path, python, threads, repeats):
    """Prefill, decoding and (of a real model, with several threads) 8 sequences together."""
    together = threads > 1 and not model.is_random
    require_memory(path, len(isas()) + 3 + together, available_memory())
    with Workers(PEERS) as workers:
        start_workers(workers, python, path, (threads, N_PROMPT, model.n_gen))
        singles = list(workers.alive)
        turns = [(worker, "single") for worker in singles]
        if together:
            turns += [(worker, "together") for worker in singles if worker.name.startswith(OURS)]
            slots = [python, WORKERS / "llama_cpp_worker.py", path, threads, 64, 64, N_SEQS]
            turns += [(worker, "together") for worker in [workers.start("llama.cpp", slots)] if worker]
        probe = workers.start("probe", [ENGINE, "probe", threads])
        runs = {worker.name: {"load_s": [worker.loaded["load_s"]]} for worker in singles}
        take_turns(workers, turns, repeats, runs, probe=probe)
        for worker in singles:
            peak = workers.peak_bytes(worker)
            if peak is not None:
                runs[worker.name]["peak_bytes"] = [peak]
        packed = next(worker.loaded["packed_bytes_per_token"] for worker in singles if worker.name.startswith(OURS))
        return {
            **facts(path, threads, repeats),
            "packed_bytes_per_token": packed,
            "prompt": N_PROMPT,
            "gen": model.n_gen,
            "read_bandwidth": [value for values in runs.values() for value in values.get("read_bandwidth", [])],
            "failures": workers.failures,
            "runs": runs,
        }


def measure_contexts(_, path, python, threads, repeats):
    """Decoding after each of CONTEXTS, whose prompts are computed once, in the round that warms up."""
    require_memory(path, len(isas()) + 3, available_memory())
    with Workers(PEERS) as workers:
        start_workers(workers, python, path, (threads, max(CONTEXTS), N_GEN_AFTER_CONTEXT), CONTEXTS)
        runs = {worker.name: {} for worker in workers.alive}
        for n in CONTEXTS:
            take_turns(workers, [(worker, f"context {n}") for worker in workers.alive], repeats, runs, lambda key: f"{key}_{n}")
        return {
            **facts(path, threads, repeats),
            "contexts": CONTEXTS,
            "gen": N_GEN_AFTER_CONTEXT,
            "failures": workers.failures,
            "runs": runs,
        }


def parse_arguments():
    description = "This engine beside llama.cpp and ik_llama.cpp on the same files, by turns."
    times = (
        "On 2 cores with 5 runs the default takes about 30 minutes (of one thread count: qwen2.5-coder-1.5b 7, smollm2-135m 2, "
        "random-qwen2.5-0.5b-bf16 3, random-qwen3-30b-a3b-4l-q4_k 3), --long-context 7. Memory: 14 GB. Disk: 4.1 GB of models, fetched and made once. "
        "Results of other models, threads or kinds that stand in the results file stay there."
    )
    parser = argparse.ArgumentParser(prog="./tiny peers", description=description, epilog=times)
    parser.add_argument("--repeat", type=int, default=5, help="runs of each program; the median counts (default 5)")
    parser.add_argument("--threads", default=f"1,{os.cpu_count()}", help="thread counts (default: 1 and all)")
    parser.add_argument("--model", action="append", choices=MODELS, help="only this one (may be given again)")
    parser.add_argument(
        "--long-context",
        action="store_true",
        help=f"instead: decoding after {CONTEXTS[0]} and {CONTEXTS[1]} tokens, {LONG_CONTEXT_MODEL.name}, all threads",
    )
    parser.add_argument("--output", type=Path, help="the results file (default bench/results/CPU.json)")
    arguments = parser.parse_args()
    arguments.threads = list(dict.fromkeys(map(int, arguments.threads.split(","))))
    return arguments


def comparisons(arguments):
    """(how, model, threads) of every comparison that was asked for."""
    if arguments.long_context:
        return [(measure_contexts, LONG_CONTEXT_MODEL, max(arguments.threads))]
    models = [MODELS[name] for name in arguments.model or MODELS]
    return [(measure, model, threads) for threads in arguments.threads for model in models]


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that stopped programs are ended
    name, flags = cpu()
    path = arguments.output or ROOT / "bench/results" / (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") + ".json")
    machine = {"cpu": name, "instruction_sets": flags, "system": platform.platform()}
    python = python_with_peers()
    n_failed = 0
    for how, model, threads in comparisons(arguments):
        try:
            result = how(model, fetch(model, python), python, threads, arguments.repeat)
        except NotMeasured as why:
            print(f"peers: {why}", file=sys.stderr, flush=True)
            n_failed += 1
            continue
        n_failed += len(result["failures"])
        print(table(result), flush=True)
        save(path, [result], machine)  # after each: what was measured stays when a later one fails
        print(f"written: {path}\n", file=sys.stderr, flush=True)
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
