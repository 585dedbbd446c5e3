"""Medians, tables and the results file of tools/peers.py."""

import json
import os
import statistics
import sys

OURS = "tiny-llm"


def median(result, program, key):
    values = result["runs"].get(program, {}).get(key)
    return statistics.median(values) if values else None


def best_ik(result, key):
    values = [median(result, name, key) for name in result["runs"] if name.startswith("ik_llama.cpp")]
    return max((value for value in values if value is not None), default=None)


def cell(value, width, digits):
    return f"{'-':>{width}}" if value is None else f"{value:>{width}.{digits}f}"


def ratios(result, name, key):
    """How often as fast as each peer, in words; empty where one of both is missing."""
    ours, peers = median(result, name, key), {"ik": best_ik(result, key), "llama.cpp": median(result, "llama.cpp", key)}
    return ", ".join(f"{ours / value:.2f} x {peer}" for peer, value in peers.items() if ours and value)


def share_of_memory(result, program):
    """How much of the memory's speed decoding used, median over the runs; None without both."""
    values = result["runs"][program]
    pairs = zip(values.get("decode", []), values.get("read_bandwidth", []))
    shares = [result["packed_bytes_per_token"] * decode / bandwidth for decode, bandwidth in pairs]
    return statistics.median(shares) if shares else None


def table(result):
    return context_table(result) if "contexts" in result else speed_table(result)


def speed_table(result):
    speeds = [value / 1e9 for value in result["read_bandwidth"]] or [0]
    prompt = f"prefill {result['prompt']}"
    lines = [
        f"{result['model']}, {result['threads']} threads, memory reads {statistics.median(speeds):.1f} GB/s "
        f"({min(speeds):.1f} to {max(speeds):.1f})",
        f"{'':<18}{prompt:>12}{'decode':>9}{'8 together':>12}{'load s':>8}{'peak MB':>9}",
    ]
    for name in result["runs"]:
        prefill, decode, total, load, peak = (
            median(result, name, key) for key in ("prefill", "decode", "total", "load_s", "peak_bytes")
        )
        peak = peak and peak / 1e6
        cells = cell(prefill, 12, 1) + cell(decode, 9, 1) + cell(total, 12, 1) + cell(load, 8, 2) + cell(peak, 9, 0)
        lines.append(f"{name:<18}{cells}")
    for name in (name for name in result["runs"] if name.startswith(OURS)):
        parts = [(word, ratios(result, name, key)) for word, key in (("prefill", "prefill"), ("decode", "decode"), ("together", "total"))]
        words = [f"{word} {text}" for word, text in parts if text]
        share = share_of_memory(result, name)
        if share:
            words.append(f"decode reads at {100 * share:.0f} % of the memory's speed")
        lines.append(f"{name}: {'; '.join(words)}")
    return "\n".join(lines) + "\n"


def context_table(result):
    """Decoding after each context, and how much of the first one's speed is left."""
    contexts = result["contexts"]
    lines = [
        f"{result['model']}, {result['threads']} threads, decoding after a context of",
        f"{'':<18}" + "".join(f"{context:>9}" for context in contexts) + f"{'share left':>12}",
    ]
    for name in result["runs"]:
        speeds = [median(result, name, f"decode_{context}") for context in contexts]
        left = 100 * speeds[-1] / speeds[0] if speeds[0] and speeds[-1] else None
        lines.append(f"{name:<18}" + "".join(cell(speed, 9, 1) for speed in speeds) + cell(left, 10, 0) + " %")
    for name in (name for name in result["runs"] if name.startswith(OURS)):
        words = [(context, ratios(result, name, f"decode_{context}")) for context in contexts]
        lines.append(f"{name}: " + "; ".join(f"after {context} {text}" for context, text in words if text))
    return "\n".join(lines) + "\n"


def key_of(result):
    return result["model"], result["threads"], bool(result.get("contexts"))


def merge(old, new, machine):
    """The report with new results in the place of old ones of the same model, threads and kind; the others stay.

    old: a report or None. machine: {"cpu": ..., ...}, of this run. Each result carries its date, commit and packages;
    reports from before carry them once.
    """
    kept = []
    for result in (old or {}).get("results", []):
        if key_of(result) in map(key_of, new):
            continue
        kept.append({**{key: old[key] for key in ("date", "commit", "packages") if key in old}, **result})
    return {**machine, "results": kept + new}


def read_old(path):
    """The report in the results file, None without one. A file that is no JSON is moved to .bad."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        bad = path.with_suffix(".bad")
        os.replace(path, bad)
        print(f"peers: {path} is no JSON ({error}); moved to {bad.name}", file=sys.stderr, flush=True)
        return None


def save(path, new, machine):
    """Writes the results file anew with `new` in it, whole or not at all; without new results it stays as it is."""
    if not new:
        return
    old = read_old(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(merge(old, new, machine), indent=1) + "\n", encoding="utf-8")
    os.replace(part, path)
