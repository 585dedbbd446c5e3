"""`--mine` with every command that computes: the learner's operator really runs, and whose each one is is said."""

import json
import subprocess

import pytest
import toy_model
from learner import BINARY, RMS_NORM
from running_server import RunningServer

CALLED = "my norm runs"
# Correct, and says once that it was called.
NORM = RMS_NORM.replace("#include <cmath>", "#include <cmath>\n#include <cstdio>").replace(
    "  float sum = 0;", f'  static const int once = std::fputs("{CALLED}\\n", stderr);\n  (void)once;\n  float sum = 0;')  # fmt: skip
BANNER = "yours here (1 of 4): norm.rms (not green); the engine's own: index.strides, matmul.naive, softmax.row"


@pytest.fixture
def model(tmp_path):
    return toy_model.write_folder(tmp_path / "loop", toy_model.loop())


@pytest.fixture
def mine(learner):
    learner.write("week1/rms_norm.cpp", NORM)

    def run(*arguments, code=0):
        command = [str(BINARY), *map(str, arguments)]
        done = subprocess.run(command, env=learner.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout, " ".join(done.stderr.split())

    return run


def test_commands_that_compute_say_whose_each_operator_is(mine, model, tmp_path):
    lines = tmp_path / "in.jsonl"
    body = {"model": "loop", "prompt": "abc", "max_tokens": 4, "temperature": 0}
    lines.write_text(json.dumps({"custom_id": "1", "method": "POST", "url": "/v1/completions", "body": body}) + "\n")
    text = tmp_path / "text"
    text.write_text("abcdef")
    commands = {
        "generate": ["generate", "-m", model, "-p", "abc", "-n", 4],
        "chat": ["chat", "-m", model, "--temperature", 0, "--max-tokens", 4, "-p", "abc"],
        "bench": ["bench", "-m", model, "--prompt", 3, "--gen", 2, "--batch", 1, "--repeat", 1],
        "batch": ["batch", lines, "-m", model, "-o", tmp_path / "out.jsonl"],
        "perplexity": ["perplexity", "-m", model, "-f", text],
    }
    for name, command in commands.items():
        stdout, stderr = mine(*command, "--mine")
        assert BANNER in stderr and CALLED in stderr, f"{name}: {stderr}"
        compared = "4 of 4 tokens are what the engine's own operators choose" in stderr
        assert compared == (name in ("generate", "chat")), f"{name}: {stderr}"
    assert "defg" in (tmp_path / "out.jsonl").read_text()


def test_the_server_serves_with_the_learners_operators(learner, mine, model, tmp_path):
    command = [str(BINARY), "serve", "--mine", "-m", str(model), "--served-model-name", "loop"]
    server = RunningServer(command, learner.env, tmp_path / "log.txt").start()
    try:
        reply = server.post("/v1/completions", {"model": "loop", "prompt": "abc", "max_tokens": 4, "temperature": 0})
        assert reply.status == 200 and reply.json()["choices"][0]["text"] == "defg"
        log = " ".join(server.log().split())
        assert BANNER in log and CALLED in log
    finally:
        server.stop()


def test_the_reference_path_counts_what_only_it_calls(learner, mine, model):
    learner.solve("softmax.row", "week0/softmax.cpp")
    _, engine = mine("generate", "-m", model, "-p", "reference", "-n", 1, "--mine")
    assert "yours here (1 of 4)" in engine and "used only with --engine reference or 'learn speak': softmax.row" in engine
    _, reference = mine("generate", "-m", model, "-p", "abc", "-n", 1, "--mine", "--engine", "reference")
    assert "yours here (2 of 4): softmax.row (not green), norm.rms (not green)" in reference and CALLED in reference


def test_an_answer_is_compared_with_the_engine_as_it_was_set_up(mine, model):
    """Whether each setting is used shows with a model whose words depend on it: tests/course_all/test_first_hour.py."""
    settings = ["--kv-type", "int8", "--quantize", "q8", "--exact-float", "--device", "cpu", "--window", 16, "--sinks", 2]
    for engine in ("batched", "reference"):
        _, said = mine("generate", "-m", model, "-p", "abc", "-n", 4, "--mine", *settings, "--rope-scaling", "yarn:2", "--engine", engine)
        assert "comparing 4 tokens with the engine's own choices ..." in said
        assert "4 of 4 tokens are what the engine's own operators choose" in said, said


def test_a_model_without_a_tokenizer_is_compared_too(mine, tmp_path):
    model = toy_model.write_folder(tmp_path / "bare", toy_model.loop(), tokenizer=False)
    for engine in ("batched", "reference"):
        _, said = mine("generate", "-m", model, "--token-ids", "97,98,99", "-n", 4, "--mine", "--engine", engine)
        assert "4 of 4 tokens are what the engine's own operators choose" in said, said


def test_a_comparison_that_fails_takes_nothing_from_the_answer(learner, mine, model):
    """The learner's operator takes the model's file away: the answer is there, and the exit code is its own."""
    learner.write("week1/rms_norm.cpp", NORM.replace("std::fputs", f'std::remove("{model}/config.json") + std::fputs'))
    stdout, said = mine("generate", "-m", model, "-p", "abc", "-n", 4, "--mine")
    assert "defg" in stdout and "(not compared: " in said and "config.json" in said, said
    assert not list((learner.folder / "build/learn").glob("answers-*"))


def test_commands_that_compute_nothing_refuse_it(mine):
    _, stderr = mine("list", "--mine", code=2)
    assert "'list' computes nothing with your operators; --mine goes with chat, generate, serve, bench" in stderr
