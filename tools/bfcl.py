#!/usr/bin/env python3
"""Calls of tools judged by the Berkeley Function Calling Leaderboard: this server beside llama.cpp's on the same file.

Usage: bfcl.py MODEL.gguf [--number 40] [--threads N] [--python PYTHON] [--only ours] [--binary tinyllm]
Needs the package bfcl-eval (its questions and its checker; `pip install --no-deps bfcl-eval==2026.3.23` is enough). PYTHON needs
xllamacpp, for llama.cpp. Every question is asked as it is, greedily and alone. Prints for each category how many answers
were right, and how many calls could not be read.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import time
import types
import urllib.error
import urllib.request
from pathlib import Path

from compare_servers import BINARY, ROOT, free_port, start, wait_healthy

CATEGORIES = ["simple_python", "multiple", "parallel", "irrelevance"]
TYPES = {"dict": "object", "float": "number", "tuple": "array", "any": None}
CONTEXT = 8192


def package_folder():
    spec = importlib.util.find_spec("bfcl_eval")
    if spec is None:
        sys.exit("the package bfcl-eval is missing: pip install --no-deps bfcl-eval==2026.3.23")
    return Path(spec.submodule_search_locations[0])


def load_checker():
    """The package's checker. It looks one thing up in a table of models that would import all their clients."""
    table = types.ModuleType("bfcl_eval.constants.model_config")
    table.MODEL_CONFIG_MAPPING = {"any": types.SimpleNamespace(underscore_to_dot=False)}
    sys.modules[table.__name__] = table
    from bfcl_eval.constants.enums import Language
    from bfcl_eval.eval_checker.ast_eval.ast_checker import ast_checker

    return lambda functions, calls, right, category: ast_checker(functions, calls, right, Language.PYTHON, category, "any")["valid"]


def json_schema(schema):
    """The leaderboard's schemas name types as Python does."""
    if isinstance(schema, list):
        return [json_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {key: json_schema(value) for key, value in schema.items()}
    if isinstance(copy.get("type"), str):
        copy["type"] = TYPES.get(copy["type"], copy["type"])
        if copy["type"] is None:
            del copy["type"]
    return copy


def questions(folder, category, number):
    lines = (folder / f"data/BFCL_v4_{category}.json").read_text().splitlines()
    answers = folder / f"data/possible_answer/BFCL_v4_{category}.json"
    right = {}
    if answers.is_file():
        right = {entry["id"]: entry["ground_truth"] for entry in map(json.loads, answers.read_text().splitlines())}
    every = max(1, len(lines) // number)
    for entry in map(json.loads, lines[::every][:number]):
        yield entry, right.get(entry["id"])


def ask(port, entry):
    tools = [{"type": "function", "function": {**function, "parameters": json_schema(function["parameters"])}} for function in entry["function"]]
    body = {"messages": entry["question"][0], "tools": tools, "temperature": 0, "max_tokens": 400}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=600) as reply:
            return json.load(reply)["choices"][0]["message"], ""
    except urllib.error.HTTPError as error:
        return None, error.read().decode(errors="replace")[:200]


def judge(check, entry, right, category, message):
    """(right, malformed) of an answer."""
    if message is None:
        return False, True
    calls, malformed = [], bool(message.get("tool_parse_error"))
    for call in message.get("tool_calls") or []:
        try:
            calls.append({call["function"]["name"]: json.loads(call["function"]["arguments"])})
        except ValueError:
            malformed = True
    if right is None:  # no function fits: none may be called
        return not calls, malformed
    return bool(calls) and not malformed and check(entry["function"], calls, right, category), malformed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--number", type=int, default=40, help="questions of each category")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--only", choices=["ours", "llama.cpp"])
    parser.add_argument("--binary", default=BINARY)
    options = parser.parse_args()
    folder, check = package_folder(), load_checker()
    ports = {name: free_port() for name in ("ours", "llama.cpp") if options.only in (None, name)}
    commands = {
        "ours": [options.binary, "serve", "-m", options.model, "--port", ports.get("ours"), "--threads", options.threads],
        "llama.cpp": [options.python, ROOT / "tools/llama_cpp_server.py", options.model, ports.get("llama.cpp"), 1, CONTEXT, options.threads],
    }
    running = {name: start(commands[name]) for name in ports}
    try:
        for name, port in ports.items():
            wait_healthy(port, running[name])
        for category in CATEGORIES:
            counts = {name: [0, 0, 0.0] for name in ports}
            n_asked = 0
            for entry, right in questions(folder, category, options.number):
                n_asked += 1
                for name, port in ports.items():
                    began = time.monotonic()
                    message, error = ask(port, entry)
                    counts[name][2] += time.monotonic() - began
                    if error:
                        print(f"   {name}, {entry['id']}: {error}", file=sys.stderr)
                    is_right, malformed = judge(check, entry, right, category, message)
                    counts[name][0] += is_right
                    counts[name][1] += malformed
            told = [f"{name} {right} of {n_asked} right, {bad} malformed, {s:.0f} s" for name, (right, bad, s) in counts.items()]
            print(f"{category:15} " + "; ".join(told), flush=True)
    finally:
        for process in running.values():
            process.stdin.close()
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


if __name__ == "__main__":
    main()
