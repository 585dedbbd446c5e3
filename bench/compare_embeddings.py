#!/usr/bin/env python3
"""Compares /v1/embeddings with sentence-transformers in turn, on the same texts and threads.

    bench/compare_embeddings.py FOLDER [--binary build/release/tinyllm] [--threads 2] [--rounds 5]

FOLDER is the model's (~/.cache/tinyllm/models/all-minilm-l6-v2). Needs sentence-transformers with torch; nothing else of
the project does. Ours is asked over HTTP, JSON and all; the other one in its own process, without a server. Texts are
random words, cut to 256 tokens; a short query has about 12. Best of the rounds, because other programs only ever slow
a run down.
"""

import argparse
import http.client
import json
import random
import re
import statistics
import subprocess
import time


class Ours:
    def __init__(self, options, precision):
        self.name = f"tinyllm {precision}"
        self.process = subprocess.Popen(
            [options.binary, "serve", options.folder, "--port", "0", "--threads", str(options.threads),
             "--embedder-precision", precision],
            stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if found := re.match(r"serving .* on http://\S+:(\d+) ", line):
                break
        self.connection = http.client.HTTPConnection("127.0.0.1", int(found[1]))

    def embed(self, texts):
        body = json.dumps({"input": texts, "encoding_format": "base64", "truncate_prompt_tokens": -1})
        self.connection.request("POST", "/v1/embeddings", body, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        assert answer.status == 200, answer.read()
        return answer.read()

    def end(self):
        self.process.terminate()
        self.process.communicate()


class SentenceTransformers:
    name = "sentence-transformers"

    def __init__(self, options):
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(options.threads)
        self.model = SentenceTransformer(options.folder, device="cpu")

    def embed(self, texts):
        return self.model.encode(texts, batch_size=32, show_progress_bar=False)

    def end(self):
        pass


def seconds(program, texts):
    begin = time.perf_counter()
    program.embed(texts)
    return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--binary", default="build/release/tinyllm")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--texts", type=int, default=64)
    options = parser.parse_args()
    draw = random.Random(1)
    words = "river stone green window paper cloud engine letter garden silver music winter market forest bridge".split()
    long = [" ".join(draw.choices(words, k=300)) for _ in range(options.texts)]
    programs = [Ours(options, "int8"), Ours(options, "f32"), SentenceTransformers(options)]
    times = {program.name: [] for program in programs}
    queries = {program.name: [] for program in programs}
    for program in programs:
        program.embed(long[:32])
    for _ in range(options.rounds):
        for program in programs:
            times[program.name].append(seconds(program, long))
            one = [seconds(program, [" ".join(draw.choices(words, k=10))]) for _ in range(40)]
            queries[program.name].append(statistics.median(one))
    for program in programs:
        program.end()
        print(f"{program.name:24}{options.texts / min(times[program.name]):8.1f} texts/s"
              f"{1000 * min(queries[program.name]):8.2f} ms a query")


if __name__ == "__main__":
    main()
