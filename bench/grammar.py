#!/usr/bin/env python3
"""Compile and mask times of grammar/ beside llguidance (pip), on the same schemas, texts and vocabulary, by turns.

usage: bench/grammar.py MODEL.gguf [--schemas N] [--json]
Needs the target grammar_worker (ninja -C build/release grammar_worker) and, for the comparison, the packages llguidance and
gguf. One thread each.
"""

import argparse
import json
import random
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORDS = "id name title status created owner email tags price count unit city street notes items kind level active score".split()


def make_field(rng, depth):
    """(schema, a value that follows it)"""
    kind = rng.choice(["string"] * 4 + ["integer", "number", "boolean", "enum", "date", "short", "array", "maybe"] + ["object"] * (2 * depth))
    text = " ".join(rng.choice(WORDS) for _ in range(rng.randrange(1, 12)))
    if kind == "string":
        return {"type": "string", "description": text}, text
    if kind == "integer":
        return {"type": "integer", "minimum": 0, "maximum": 10000}, rng.randrange(10000)
    if kind == "number":
        return {"type": "number"}, rng.randrange(10**6) / 100
    if kind == "boolean":
        return {"type": "boolean"}, rng.random() < 0.5
    if kind == "enum":
        values = rng.sample(WORDS, 5)
        return {"type": "string", "enum": values}, rng.choice(values)
    if kind == "date":
        return {"type": "string", "format": rng.choice(["date"])}, f"20{rng.randrange(10, 30)}-0{rng.randrange(1, 10)}-1{rng.randrange(10)}"
    if kind == "short":
        return {"type": "string", "minLength": 1, "maxLength": 80}, text[:80]
    if kind == "array":
        schema, _ = make_field(rng, 0)
        return {"type": "array", "items": {"type": "string"}, "maxItems": 10}, [rng.choice(WORDS) for _ in range(rng.randrange(6))]
    if kind == "maybe":
        return {"anyOf": [{"type": "string"}, {"type": "null"}]}, rng.choice([None, text])
    return make_object(rng, depth - 1)


def make_object(rng, depth):
    names = rng.sample(WORDS, rng.randrange(2, 9))
    fields = {name: make_field(rng, depth) for name in names}
    required = [name for name in names if rng.random() < 0.7]
    schema = {"type": "object", "properties": {n: f[0] for n, f in fields.items()}, "required": required}
    if rng.random() < 0.7:
        schema["additionalProperties"] = False
    return schema, {n: f[1] for n, f in fields.items() if n in required or rng.random() < 0.5}


class LlGuidance:
    """llguidance on the vocabulary of a GGUF file with byte-level BPE."""

    def __init__(self, model):
        import gguf
        import llguidance
        import llguidance.numpy

        reader = gguf.GGUFReader(model)
        field = reader.get_field("tokenizer.ggml.tokens")
        printable = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
        letters = {chr(b): b for b in printable}
        letters |= {chr(256 + i): b for i, b in enumerate(b for b in range(256) if b not in printable)}
        kinds = reader.get_field("tokenizer.ggml.token_type").contents()
        names = field.contents()
        tokens = [
            bytes(letters[c] for c in name) if kind == 1 and all(c in letters for c in name) else name.encode()
            for name, kind in zip(names, kinds)
        ]

        class Wrapper:
            eos_token_id = int(reader.get_field("tokenizer.ggml.eos_token_id").contents())
            bos_token_id = eos_token_id
            special_token_ids = [i for i, kind in enumerate(kinds) if kind == 3]

            def __init__(self):
                self.tokens = tokens

            def __call__(self, text):
                return list(text if isinstance(text, bytes) else text.encode())

        self.lib = llguidance
        self.masks = llguidance.numpy
        self.tokenizer = llguidance.LLTokenizer(llguidance.TokenizerWrapper(Wrapper()))
        self.words = llguidance.numpy.allocate_token_bitmask(1, self.tokenizer.vocab_size)

    def measure(self, schema, ids):
        began = time.perf_counter()
        matcher = self.lib.LLMatcher(self.tokenizer, self.lib.LLMatcher.grammar_from_json_schema(schema))
        compile_us = (time.perf_counter() - began) * 1e6
        if matcher.is_error():
            return None
        times = []
        for token in ids:
            began = time.perf_counter()
            self.masks.fill_next_token_bitmask(matcher, self.words, 0)
            times.append((time.perf_counter() - began) * 1e6)
            if not matcher.consume_token(token):
                return None
        return {"compile_us": compile_us, "mask_us": times}


def tokenize(model, texts):
    """Token ids of each text, by one call for each."""
    for text in texts:
        command = [ROOT / "build/release/tinyllm", "tokenize", "-m", model, "--json", "--no-special"]
        yield json.loads(subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout)


def percentile(values, share):
    values = sorted(values)
    return round(values[min(int(share * len(values)), len(values) - 1)], 1)


def summary(results):
    compiles = [r["compile_us"] for r in results]
    masks = [us for r in results for us in r["mask_us"]]
    row = {"schemas": len(results), "masks": len(masks)}
    for name, values in (("compile_us", compiles), ("mask_us", masks)):
        row |= {f"{name}_p50": percentile(values, 0.5), f"{name}_p99": percentile(values, 0.99), f"{name}_max": round(max(values), 1)}
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--schemas", type=int, default=200)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    rng = random.Random(1)
    jobs = [(json.dumps(schema), json.dumps(value)) for schema, value in (make_object(rng, 2) for _ in range(options.schemas))]
    results = {"tinyllm": [], "llguidance": []}
    try:
        other = LlGuidance(options.model)
        ids = list(tokenize(options.model, [text for _, text in jobs]))
    except ImportError as error:
        print(f"no comparison: {error}")
        other = None
    worker = subprocess.Popen([ROOT / "build/release/grammar_worker", options.model], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for i, (schema, text) in enumerate(jobs):
        worker.stdin.write(json.dumps({"schema": schema, "text": text}) + "\n")
        worker.stdin.flush()
        answer = json.loads(worker.stdout.readline())
        if "refused" in answer:
            print(f"refused: {answer['refused']}")
        else:
            results["tinyllm"].append(answer)
        measured = other and other.measure(schema, ids[i])
        if measured:
            results["llguidance"].append(measured)
    worker.stdin.close()
    worker.wait()
    rows = {name: summary(found) for name, found in results.items() if found}
    if options.json:
        print(json.dumps(rows))
        return
    for name, row in rows.items():
        print(name, *(f"{key} {value}" for key, value in row.items()), sep="  ")


if __name__ == "__main__":
    main()
