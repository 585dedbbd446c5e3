"""lm-eval: log likelihoods with the server's own tokenizer, and generation through a template. Usage: client.py BASE_URL MODEL"""

import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

BASE_URL, MODEL = sys.argv[1:]
PROGRAM = pathlib.Path(sys.executable).parent / "lm_eval"
QUESTIONS = [
    {"question": "The capital of France is", "choices": ["Paris", "Rome", "seven"], "answer": 0},
    {"question": "The capital of Italy is", "choices": ["Berlin", "Rome", "blue"], "answer": 1},
    {"question": "The opposite of hot is", "choices": ["cold", "table", "run"], "answer": 0},
]
TASK = """
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
doc_to_text: "{{{{question}}}}"
"""
CHOOSE = "task: choose\noutput_type: multiple_choice\ndoc_to_choice: '{{choices}}'\ndoc_to_target: '{{answer}}'\n"
WRITE = (
    "task: write\noutput_type: generate_until\ndoc_to_target: '{{choices[answer]}}'\n"
    "generation_kwargs: {until: ['.'], max_gen_toks: 20, temperature: 0}\n"
)


def ask(path, body):
    request = urllib.request.Request(BASE_URL.removesuffix("/v1") + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=100) as reply:
        return json.load(reply)


def evaluate(folder, model, task, **arguments):
    """What lm_eval has kept of each question."""
    words = {"model": MODEL, "num_concurrent": 2, "max_retries": 1, **arguments}
    command = [PROGRAM, "--model", model, "--tasks", task, "--include_path", folder, "--output_path", folder / model]
    command += ["--log_samples", "--model_args", ",".join(f"{key}={value}" for key, value in words.items())]
    if "chat" in model:
        command.append("--apply_chat_template")
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hf")}
    done = subprocess.run(command, cwd=folder, env=offline, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    [samples] = (folder / model).rglob("samples_*.jsonl")
    return [json.loads(line) for line in samples.read_text().splitlines()]


def log_likelihood(prompt, word):
    """The same from the server itself, by ids of our own."""
    n_prompt = len(ask("/tokenize", {"prompt": prompt})["tokens"])
    echo = {"prompt": f"{prompt} {word}", "echo": True, "max_tokens": 0, "logprobs": 1, "temperature": 0}
    return sum(ask("/v1/completions", echo)["choices"][0]["logprobs"]["token_logprobs"][n_prompt:])


with tempfile.TemporaryDirectory() as home:
    folder = pathlib.Path(home)
    (folder / "questions.jsonl").write_text("".join(json.dumps(it) + "\n" for it in QUESTIONS))
    for name, task in (("choose", CHOOSE), ("write", WRITE)):
        (folder / f"{name}.yaml").write_text(task + TASK.format(file=folder / "questions.jsonl"))
    chosen = evaluate(folder, "local-completions", "choose", base_url=f"{BASE_URL}/completions", tokenizer_backend="remote")
    assert [it["acc"] for it in chosen] == [1.0] * len(QUESTIONS)
    for it in chosen:
        for word, [[its_sum, _]] in zip(it["doc"]["choices"], it["resps"]):
            ours = log_likelihood(it["doc"]["question"], word)
            assert math.isclose(float(its_sum), ours, abs_tol=0.3), (word, its_sum, ours)
    written = evaluate(folder, "local-chat-completions", "write", base_url=f"{BASE_URL}/chat/completions")
    assert "Paris" in written[0]["resps"][0][0]
