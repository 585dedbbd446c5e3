"""Greedy tokens and perplexity of a real GGUF model, computed by transformers in f32 from the same file.

    python tests/golden/make_real_model_greedy.py MODEL.gguf NAME [greedy] [perplexity]

writes data/NAME.greedy.json (prompt ids, 48 greedy tokens, the gap between the two best logits at each step)
and data/NAME.perplexity.json (total negative log-likelihood of data/perplexity.txt in windows of 512 tokens).
Takes a minute for 135M parameters and half an hour for 1.5B on two cores.
"""

import json
import pathlib
import sys
import time

import gguf
import torch
from transformers import AutoModelForCausalLM

from gguf_tokenizer import tokenizer_of

DATA = pathlib.Path(__file__).parent / "data"
N_NEW = 48
WINDOW = 512

QUESTIONS = [
    "What is the capital of France?",
    "Write a Python function that returns the factorial of n.",
    "Count from 1 to 20.",
    "Explain in two sentences why the sky is blue.",
    "Give me a recipe for pancakes.",
    "Translate 'good morning' into Spanish, French and German.",
    "What is the difference between a process and a thread?",
]
TEXTS = [
    "The quick brown fox",
    "def fibonacci(n):\n    ",
    "#include <iostream>\n\nint main() {\n",
    "Once upon a time, in a small village by the sea, there lived",
    "1, 2, 4, 8, 16, 32,",
]


def chat(question):
    return ("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
            f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n")


@torch.inference_mode()
def greedy(model, prompt_ids):
    ids, cache, token_ids, gaps = torch.tensor([prompt_ids]), None, [], []
    for _ in range(N_NEW):
        out = model(input_ids=ids, past_key_values=cache, use_cache=True)
        cache = out.past_key_values
        best = torch.topk(out.logits[0, -1], 2)
        token_ids.append(int(best.indices[0]))
        gaps.append(round(float(best.values[0] - best.values[1]), 4))
        ids = best.indices[:1].view(1, 1)
    return token_ids, gaps


@torch.inference_mode()
def total_nll(model, ids):
    nll, n_counted = 0.0, 0
    for start in range(0, len(ids), WINDOW):
        window = torch.tensor(ids[start:start + WINDOW])
        if len(window) < 2:
            break
        logits = model(input_ids=window[None]).logits[0, :-1]
        nll += float(torch.nn.functional.cross_entropy(logits.double(), window[1:], reduction="sum"))
        n_counted += len(window) - 1
        print(f"{start + len(window)} of {len(ids)} tokens, nll {nll:.3f}", flush=True)
    return nll, n_counted


def main():
    path, name = pathlib.Path(sys.argv[1]), sys.argv[2]
    wanted = sys.argv[3:] or ["greedy", "perplexity"]
    reader = gguf.GGUFReader(path)
    tokenizer = tokenizer_of(reader)
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
    assert model.dtype == torch.float32
    if "greedy" in wanted:
        runs = []
        for text in [chat(q) for q in QUESTIONS] + TEXTS:
            prompt_ids = tokenizer.encode(text).ids
            start = time.time()
            token_ids, gaps = greedy(model, prompt_ids)
            print(f"{time.time() - start:.1f} s {text[-40:]!r} -> {tokenizer.decode(token_ids)!r}", flush=True)
            runs.append({"prompt": text, "prompt_ids": prompt_ids, "token_ids": token_ids, "gaps": gaps})
        lines = ",\n".join(json.dumps(run, separators=(",", ":")) for run in runs)
        (DATA / f"{name}.greedy.json").write_text(f'{{"file":"{path.name}","runs":[\n{lines}\n]}}\n')
    if "perplexity" in wanted:
        ids = tokenizer.encode((DATA / "perplexity.txt").read_text()).ids
        nll, n_counted = total_nll(model, ids)
        (DATA / f"{name}.perplexity.json").write_text(json.dumps(
            {"file": path.name, "window": WINDOW, "nll": nll, "n_counted": n_counted, "token_ids": ids},
            separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
