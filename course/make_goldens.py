#!/usr/bin/env python3
"""Writes course/tasks/*/golden.json from the cases.py beside each: cases with answers in float64, and how far off a float32 may be.

Needs only Python itself. `--check` compares instead of writing. `--pytorch` compares the answers with what PyTorch computes in
float64, for each task whose cases.py has pytorch(case): it needs torch, and writes nothing. What the known mistakes answer
(mutants.json) is recorded by `tinyllm learn record TASK`.
"""

import importlib.util
import json
import sys
from pathlib import Path

COURSE = Path(__file__).resolve().parent
sys.path.insert(0, str(COURSE))

from goldens import unlisted  # noqa: E402


def module_of(file):
    spec = importlib.util.spec_from_file_location(file.parent.name.replace(".", "_"), file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text_of(cases):
    rows = ",\n".join("  " + json.dumps(case) for case in cases)
    return '{"cases": [\n' + rows + "\n]}\n"


def differs_from_pytorch(module, case):
    """A sentence, or "": float64 against float64, so a thousandth of what a float32 may be off is plenty."""
    theirs = module.pytorch(case)
    for name, want in case["want"].items():
        got, ours = theirs[name], unlisted(want["values"])
        if len(got) != len(ours):
            return f"{name} has {len(ours)} values, PyTorch gives {len(got)}"
        for i, (a, b, t) in enumerate(zip(ours, got, want["tolerance"])):
            if not abs(a - b) <= t / 1000 + 1e-300 and a != b:
                return f"{name}[{i}] is {a!r}, PyTorch says {b!r}"
    return ""


def compare_with_pytorch(tasks):
    import torch

    for task, module in tasks.items():
        if not hasattr(module, "pytorch"):
            continue
        cases = module.cases()
        for case in cases:
            broken = differs_from_pytorch(module, case)
            if broken:
                sys.exit(f"{task}, case '{case['name']}': {broken}")
        print(f"{task}: {len(cases)} cases as PyTorch {torch.__version__} answers")


def main():
    tasks = {file.parent.name: module_of(file) for file in sorted(COURSE.glob("tasks/*/cases.py"))}
    if "--pytorch" in sys.argv:
        compare_with_pytorch(tasks)
        return
    stale = []
    for task, module in tasks.items():
        path, text = COURSE / f"tasks/{task}/golden.json", text_of(module.cases())
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(task)
    if stale:
        sys.exit(f"not what their cases.py say: {', '.join(stale)}; run course/make_goldens.py")


if __name__ == "__main__":
    main()
