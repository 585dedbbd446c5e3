"""How far int8 inputs alone move a real GGUF model's logits: torch in f32 on the same file, once as it is and once with
each group of 32 inputs of a matrix rounded to 127 steps of its largest, as the engine does. The prompts are those of
data/NAME.greedy.json.

    python tests/golden/make_int8_errors.py MODEL.gguf NAME

writes data/NAME.int8.json: |int8 - f32| / |f32| over all logits after each prompt.
"""

import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM

DATA = pathlib.Path(__file__).parent / "data"


def rounded(x):
    groups = x.reshape(-1, 32)
    scale = groups.abs().amax(-1, keepdim=True) / 127
    steps = torch.where(scale > 0, groups / scale.clamp_min(1e-30), torch.zeros_like(groups)).round()
    return (steps * scale).reshape(x.shape)


@torch.inference_mode()
def main():
    path, name = pathlib.Path(sys.argv[1]), sys.argv[2]
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
    rounds = False
    for module in model.modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_pre_hook(lambda _, args: (rounded(args[0]),) if rounds else None)
    errors = []
    for run in json.loads((DATA / f"{name}.greedy.json").read_text())["runs"]:
        ids = torch.tensor([run["prompt_ids"]])
        rounds = False
        exact = model(ids).logits[0, -1]
        rounds = True
        logits = model(ids).logits[0, -1]
        errors.append(round(float((logits - exact).norm() / exact.norm()), 5))
        print(f"{ids.numel()} tokens: {errors[-1]:.4f}", flush=True)
    (DATA / f"{name}.int8.json").write_text(json.dumps({"file": path.name, "errors": errors}) + "\n")


if __name__ == "__main__":
    main()
