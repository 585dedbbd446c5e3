#!/usr/bin/env python3
"""Prints a table of docs/performance.md from a file of bench/results, which `./tiny peers` wrote: the median speeds of every
program, and how many times as fast as each peer we are. tests/tools/test_performance_page.py holds the page to it.

usage: bench/tables.py RESULTS.json
"""

import json
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools/peers"))
from report import OURS, best_ik, median  # noqa: E402

FIGURES = ["prefill", "decode", "total"]  # total: 8 sequences together
PEERS = ["llama.cpp", "ik_llama.cpp"]
ISA_NAMES = {"avx512": "AVX-512", "avx2": "AVX2", "avxvnni": "AVX-VNNI"}
HEAD = ["model", "program", "prefill 512", "decode", "8 together", "ours / llama.cpp", "ours / ik_llama.cpp"]


def of_peer(result, name, key):
    """None also where ik_llama.cpp's figure says nothing: it computes prompts of Q4_1 wrongly (tools/peers/ik_batches.py)."""
    if name == "ik_llama.cpp":
        return None if key == "prefill" and "Q4_1" in result["model"] else best_ik(result, key)
    return median(result, name, key)


def cell(value):
    return "-" if value is None else f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def ratios(result, ours, name):
    """ "1.17, 1.00, -": our speed over the peer's, for each figure that both have."""
    pairs = [(median(result, ours, key), of_peer(result, name, key)) for key in FIGURES]
    return ", ".join(f"{mine / theirs:.2f}" if mine and theirs else "-" for mine, theirs in pairs)


def rows(result):
    """Ours with AVX2 first: the packages of the peers hold no AVX-512 code, so that row compares like with like."""
    for name in sorted(n for n in result["runs"] if n.startswith(OURS)):
        isa = name.removeprefix(OURS).strip()
        figures = [cell(median(result, name, key)) for key in FIGURES]
        yield [f"tiny-llm, {ISA_NAMES[isa]}", *figures, *(ratios(result, name, peer) for peer in PEERS)]
    for name in PEERS:
        yield [f"{name}, AVX2", *(cell(of_peer(result, name, key)) for key in FIGURES), "", ""]


def conditions(report, result):
    facts = {**report, **result}
    speeds = [value / 1e9 for value in result["read_bandwidth"]]
    n_runs = len(next(iter(result["runs"].values()))["decode"])
    return (
        f"- `{result['model']}`: {facts['date']}, commit {facts['commit'][:7]}, {result['threads']} threads, medians of {n_runs} "
        f"interleaved runs. Memory read {min(speeds):.0f} to {max(speeds):.0f} GB/s, median {statistics.median(speeds):.0f}."
    )


def tables(path):
    report = json.loads(Path(path).read_text())
    results = sorted((r for r in report["results"] if not r.get("contexts")), key=lambda r: -r["packed_bytes_per_token"])
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    for result in results:
        name = result["model"].removesuffix(".gguf").replace("-Instruct", "").replace("random-", "random ")
        for i, row in enumerate(rows(result)):
            lines.append("| " + " | ".join([name if i == 0 else "", *row]) + " |")
    return "\n".join([*lines, "", *(conditions(report, result) for result in results)])


if __name__ == "__main__":
    print(tables(sys.argv[1]))
