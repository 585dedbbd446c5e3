"""llama.cpp (package xllamacpp) in a process of its own: tokens of texts and greedy tokens of prompts.

usage: ask_llama_cpp.py MODEL.gguf < QUESTIONS    one JSON a line: {"text": T} or {"ids": [..], "n": N}; an id list a line comes back
"""

import json
import sys
import urllib.request

import xllamacpp


def ask(address, path, question):
    body = json.dumps(question).encode()
    request = urllib.request.Request(f"{address}{path}", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=200) as reply:
        return json.load(reply)["tokens"]


def main():
    params = xllamacpp.CommonParams()
    params.model.path = sys.argv[1]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = 512
    params.warmup = False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
    server = xllamacpp.Server(params)
    for line in sys.stdin:
        question = json.loads(line)
        if "text" in question:
            tokenize = {"content": question["text"], "add_special": True, "parse_special": True}
            ids = ask(server.listening_address, "/tokenize", tokenize)
        else:
            complete = {"prompt": question["ids"], "n_predict": question["n"], "temperature": 0, "return_tokens": True}
            ids = ask(server.listening_address, "/completion", {**complete, "cache_prompt": False})
        print("ids " + json.dumps(ids), flush=True)


main()
