#!/usr/bin/env python3
"""How far the logits of the tiny bf16 models are from f32 when transformers computes in bf16: data/bf16_errors.json.

The engine rounds activations to bf16 where the CPU multiplies bf16, and is held to be nearer than that. For each model the
mean over the lengths of its golden of |bf16 - f32| / |f32|, Euclidean norms of the last row of logits.
needs: torch, transformers
"""

import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

DATA = Path(__file__).resolve().parent / "data"


def error(name):
    golden = json.loads((DATA / "tiny" / f"{name}.golden.json").read_text())
    model = AutoModelForCausalLM.from_pretrained(DATA / "tiny" / name, dtype=torch.bfloat16, attn_implementation="eager").eval()
    errors = []
    for n, logits in zip(golden["lengths"], golden["logits"]):
        with torch.inference_mode():
            got = model(input_ids=torch.tensor([golden["token_ids"][:n]])).logits[0, -1].double()
        want = torch.tensor(logits, dtype=torch.float64)
        errors.append(float((got - want).norm() / want.norm()))
    return sum(errors) / len(errors)


def main():
    names = sorted(path.name.removesuffix(".golden.json") for path in (DATA / "tiny").glob("*-bf16-*.golden.json"))
    errors = {name: float(f"{error(name):.3g}") for name in names}
    (DATA / "bf16_errors.json").write_text(json.dumps(errors, indent=1) + "\n")
    print(errors)


if __name__ == "__main__":
    main()
