#!/usr/bin/env python3
"""Writes docs/commands.md from what the program says with --help; tests/e2e/test_command_line.py holds the page to it.

usage: tools/make_commands_page.py [--print]      (needs the release build)
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BINARY = ROOT / "build/release/tinyllm"
PAGE = ROOT / "docs/commands.md"
HEAD = """# Commands

For: users. Made from `--help` by `tools/make_commands_page.py`; a test holds this page to the program.

`./tiny COMMAND` builds what is missing and passes the command on to the program, which is called `tinyllm` once it is installed
(`./tiny install`). A few commands belong to the script itself:

| command | what it does |
|---|---|
| `./tiny test [--all\\|--long] [NAME]` | the fast tests; all that CI runs; also the tests that take minutes. With NAME only tests whose name holds it |
| `./tiny doctor` | this machine with the speed of its memory, GPU and port, what is installed, what is missing |
| `./tiny install [--prefix DIR]` | copies the program to `DIR/bin` (default `~/.local`, for root `/usr/local`) |
| `./tiny peers` | compares the speed with llama.cpp and ik_llama.cpp ([performance.md](performance.md)) |
| `./tiny microbench` | measures every kernel alone |
| `./tiny format [--check]` | formats the source files with clang-format-16 |

## Environment variables

| variable | meaning |
|---|---|
| `TINYLLM_HOME` | where pulled models are kept (default `~/.cache/tinyllm`) |
| `TINYLLM_API_KEY` | a key that requests to `serve` must carry |
| `TINYLLM_ISA` | the CPU kernels to use: `scalar`, `avx2`, `avxvnni`, `avx512`, `avx512bf16`, `amx`, `neon` or `neonbf16` (default: the best that the CPU has) |
| `TINYLLM_ONE_ROW` | all layers of a token alone as one kernel on a GPU: `0` never, `1` wherever it can be (default: where it is faster) |
| `TINYLLM_KERNELS` | single kernels of another table, to find out which one is wrong: `rms_norm=scalar,add=scalar` |
| `TINYLLM_STALL_S` | seconds after which a silent download is given up (default 20) |
| `TINYLLM_LEARN_POLL` | set: `learn` looks for saved files itself, for file systems that report no changes |
| `HF_ENDPOINT`, `HF_TOKEN` | the Hugging Face hub to pull from, and the token for models that need one |
| `OLLAMA_MODELS`, `HF_HOME`, `HF_HUB_CACHE`, `LLAMA_CACHE` | where the models of other programs are, if not in their usual places |
| `NO_COLOR` | set: no colours |
| `TINYLLM_CALLED_AS` | how hints name the program; `./tiny` sets it |
"""


def help_of(*words):
    return subprocess.run([BINARY, *words, "--help"], capture_output=True, text=True, check=True).stdout.rstrip()


def commands(*words):
    listed = help_of(*words).split("\nCommands:\n")[1].split("\n\n")[0]
    return [re.match(r"  ([a-z-]+)", line)[1] for line in listed.splitlines() if re.match(r"  [a-z]", line)]


def pages():
    """The program, its commands, and the commands of `rag`."""
    for name in commands():
        yield [name]
        if name == "rag":
            yield from ([name, part] for part in commands(name))


def page():
    parts = [HEAD]
    for words in [[], *pages()]:
        title = " ".join(["tinyllm", *words])
        parts.append(f"## {title}\n\n```\n{help_of(*words)}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    if sys.argv[1:] == ["--print"]:
        sys.stdout.write(page())
    else:
        PAGE.write_text(page())
