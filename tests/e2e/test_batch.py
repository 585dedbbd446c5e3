"""tinyllm batch: OpenAI's batch lines in, result lines out; bad lines, restarts, the real model."""

import json
import os
import subprocess
import time

import pytest
from conftest import BINARY

CHAT, COMPLETION = "/v1/chat/completions", "/v1/completions"


def line(custom_id, url=COMPLETION, **body):
    body = {"temperature": 0, **body}
    return json.dumps({"custom_id": custom_id, "method": "POST", "url": url, "body": body})


def alphabet(n, first="a"):
    """What the model "loop" says after `first`, n bytes."""
    letters = "abcdefghijklmnopqrstuvwxyz "
    at = letters.index(first) + 1
    return "".join(letters[(at + i) % 27] for i in range(n))


def results_of(text):
    """Results by custom_id; those of lines without one by their id."""
    results = [json.loads(one) for one in text.splitlines()]
    assert all(list(result) == ["id", "custom_id", "response", "error"] for result in results)
    return {result["custom_id"] or result["id"]: result for result in results}


def run(tinyllm, model, lines, *arguments):
    done = tinyllm.run("batch", "-", "-m", model, *arguments, stdin="".join(one + "\n" for one in lines))
    assert done.returncode == 0, done
    return results_of(done.stdout.decode()), done.stderr.decode()


def test_completions_and_chats(tinyllm, models):
    lines = [
        line("words", prompt="abc", max_tokens=5),
        line("chat", CHAT, messages=[{"role": "user", "content": "Hi"}], max_tokens=4),
        line("several", prompt=["a", "m"], max_tokens=3, n=2, temperature=0.1),
        line("stop", prompt="a", max_tokens=20, stop=["fgh"]),
    ]
    results, errors = run(tinyllm, models["loop"], lines)
    assert errors == "" and len(results) == 4
    assert all(result["error"] is None and result["response"]["status_code"] == 200 for result in results.values())
    bodies = {name: result["response"]["body"] for name, result in results.items()}

    words = bodies["words"]
    assert words["object"] == "text_completion" and words["id"].startswith("cmpl-")
    assert words["choices"][0]["text"] == alphabet(5, "c")
    assert words["choices"][0]["finish_reason"] == "length"
    assert {k: words["usage"][k] for k in ("prompt_tokens", "completion_tokens", "total_tokens")} == {
        "prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8
    }  # fmt: skip
    chat = bodies["chat"]
    assert chat["object"] == "chat.completion" and chat["choices"][0]["message"]["role"] == "assistant"
    assert chat["choices"][0]["message"]["content"] == "abcd"
    assert [choice["index"] for choice in bodies["several"]["choices"]] == [0, 1, 2, 3]
    assert [choice["text"] for choice in bodies["several"]["choices"]] == ["bcd", "bcd", "nop", "nop"]
    assert (bodies["stop"]["choices"][0]["text"], bodies["stop"]["choices"][0]["finish_reason"]) == ("bcde", "stop")


def test_many_lines_through_few_places(tinyllm, models):
    letters = "abcdefghijklmnopqrstuvwxyz"
    lines = [line(f"r{i}", prompt=letters[i % 26], max_tokens=1 + i % 37) for i in range(300)]
    results, errors = run(tinyllm, models["loop"], lines, "--max-num-seqs", 5, "--kv-blocks", 8, "--context", 64)
    assert errors == "" and len(results) == 300
    for i in range(300):
        choice = results[f"r{i}"]["response"]["body"]["choices"][0]
        assert choice["text"] == alphabet(1 + i % 37, letters[i % 26])


BAD_LINES = [
    ("{", "not JSON", 400),
    ("[1]", "the line is array, must be an object", 400),
    ('{"url": "/v1/completions", "body": {}}', "custom_id is missing, must be a string", 400),
    (json.dumps({"custom_id": "x", "body": {}}), "url is missing, must be a string", 400),
    (json.dumps({"custom_id": "x", "url": "/v1/embeddings", "body": {}}), 'url is "/v1/embeddings", must be', 400),
    (json.dumps({"custom_id": "x", "url": COMPLETION}), "body is missing, must be an object", 400),
    (json.dumps({"custom_id": "x", "url": COMPLETION, "method": "GET", "body": {}}), 'method is "GET"', 400),
    (line("x", prompt="a", temperature=3), "temperature is 3", 400),
    (line("x", prompt="a", stream=True), "stream is true, must be false", 400),
    (line("x"), "prompt", 400),
    (line("x", CHAT, messages=[{"role": "user"}]), "messages", 400),
    (line("x", prompt="abc" * 100), "the prompt has 300 tokens, the context holds 64", 400),
    (line("good", prompt="a"), 'custom_id is "good" as on line 2, must be different on every line', 400),
]


@pytest.mark.parametrize("bad, message, status", BAD_LINES)
def test_a_bad_line_names_its_field_and_stops_no_other(tinyllm, models, bad, message, status):
    lines = ["", line("good", prompt="a", max_tokens=2), bad, line("also good", prompt="b", max_tokens=2)]
    results, errors = run(tinyllm, models["loop"], lines, "--context", 64)
    assert "1 of the requests failed" in errors and errors.count("\n") == 1
    assert results.pop("good")["response"]["body"]["choices"][0]["text"] == "bc"
    assert results.pop("also good")["response"]["body"]["choices"][0]["text"] == "cd"
    (result,) = results.values()
    assert result["id"] == "batch_req_3" and result["custom_id"] in (None, "x")
    assert result["error"]["message"].startswith("line 3: ") and message in result["error"]["message"]
    assert result["error"]["line"] == 3
    assert result["response"]["status_code"] == status
    assert result["response"]["body"]["error"]["message"]


def test_goes_on_where_it_was(tinyllm, models, tmp_path):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = [line(f"r{i}", prompt="a", max_tokens=4) for i in range(10)] + ["{"]
    source.write_text("\n".join(lines))
    assert tinyllm.run("batch", source, "-m", models["loop"], "-o", out).returncode == 0
    whole = out.read_text().splitlines(keepends=True)
    assert len(whole) == 11
    # Killed after four results and in the middle of the fifth.
    kept = "".join(whole[:4])
    out.write_text(kept + whole[4][:30])
    assert tinyllm.run("batch", source, "-m", models["loop"], "-o", out).returncode == 0
    assert out.read_text().startswith(kept)
    again = out.read_text().splitlines()
    assert len(again) == 11 and sorted(results_of(out.read_text())) == sorted(results_of("".join(whole)))
    # All done: nothing changes.
    before = out.read_bytes()
    done = tinyllm.run("batch", source, "-m", models["loop"], "-o", out)
    assert (done.returncode, out.read_bytes()) == (0, before)


def test_killed_and_started_again(tinyllm, models, tmp_path):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(line(f"r{i}", prompt="a", max_tokens=400) + "\n" for i in range(60)))
    command = [BINARY, "batch", source, "-m", models["loop"], "-o", out, "--max-num-seqs", "2"]
    process = subprocess.Popen(list(map(str, command)), env=tinyllm.env, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while (not out.exists() or out.read_bytes().count(b"\n") < 3) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    n_before = out.read_bytes().count(b"\n")
    assert 3 <= n_before < 60
    assert tinyllm.run("batch", source, "-m", models["loop"], "-o", out, "--max-num-seqs", "64").returncode == 0
    results = results_of(out.read_text())
    assert len(results) == 60 == out.read_text().count("\n")
    assert {r["response"]["body"]["choices"][0]["text"] for r in results.values()} == {alphabet(400)}


def test_an_output_that_is_something_else(tinyllm, models, tmp_path):
    source, out = tmp_path / "in.jsonl", tmp_path / "notes.txt"
    source.write_text(line("a", prompt="a") + "\n")
    out.write_text("my notes\nmore\n")
    assert "line 1" in tinyllm.failure("batch", source, "-m", models["loop"], "-o", out)
    out.write_text('{"a": 1}\n')
    message = tinyllm.failure("batch", source, "-m", models["loop"], "-o", out)
    assert "line 1 is no result of a batch; name another file after -o" in message
    assert out.read_text() == '{"a": 1}\n'
    assert "input is missing" not in tinyllm.failure("batch", tmp_path / "nowhere", "-m", models["loop"])


def test_a_closed_pipe_is_nobodys_fault(tinyllm, models):
    lines = "".join(line(f"r{i}", prompt="a", max_tokens=50) + "\n" for i in range(100))
    read, write = os.pipe()
    os.close(read)
    command = [str(BINARY), "batch", "-", "-m", str(models["loop"])]
    done = subprocess.run(
        command, input=lines.encode(), stdout=write, stderr=subprocess.PIPE, env=tinyllm.env, timeout=60, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_smollm2_answers_as_alone(tinyllm, smollm2):
    prompts = ["The capital of France is", "1, 2, 4, 8,", "Once upon a time"]
    lines = [line(p, prompt=p, max_tokens=12) for p in prompts]
    results, _ = run(tinyllm, smollm2, lines)
    for prompt in prompts:
        alone = tinyllm.text("generate", "-m", smollm2, "-p", prompt, "-n", 12)
        assert results[prompt]["response"]["body"]["choices"][0]["text"].rstrip("\n") == alone.rstrip("\n")
