"""tinyllm batch: OpenAI's batch lines in, result lines out; bad lines, restarts, the real model."""

import json
import os
import re
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
    """The results and the summary, which is all that stands on stderr."""
    done = tinyllm.run("batch", "-", "-m", model, *arguments, stdin="".join(one + "\n" for one in lines))
    assert done.returncode == 0, done
    summary = done.stderr.decode()
    assert summary.startswith("batch: ") and summary.count("\n") == 1, summary
    return results_of(done.stdout.decode()), summary


def test_completions_and_chats(tinyllm, models):
    lines = [
        line("words", prompt="abc", max_tokens=5),
        line("chat", CHAT, messages=[{"role": "user", "content": "Hi"}], max_tokens=4),
        line("several", prompt=["a", "m"], max_tokens=3, n=2, temperature=0.1),
        line("stop", prompt="a", max_tokens=20, stop=["fgh"]),
    ]
    results, summary = run(tinyllm, models["loop"], lines)
    assert re.fullmatch(
        r"batch: 4 done, 0 failed; results on stdout; 28 tokens in \d+\.\d s, \d+\.\d tok/s\n", summary
    ), summary
    assert len(results) == 4
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
    results, summary = run(tinyllm, models["loop"], lines, "--max-num-seqs", 5, "--kv-blocks", 8, "--context", 64)
    assert summary.startswith("batch: 300 done, 0 failed; ") and len(results) == 300
    for i in range(300):
        choice = results[f"r{i}"]["response"]["body"]["choices"][0]
        assert choice["text"] == alphabet(1 + i % 37, letters[i % 26])


BAD_LINES = [
    ("{", "not JSON", 400),
    ("[1]", "the line is an array, must be an object", 400),
    ('{"url": "/v1/completions", "body": {}}', "custom_id is missing, must be a string", 400),
    (json.dumps({"custom_id": "x", "body": {}}), "url is missing, must be a string", 400),
    (json.dumps({"custom_id": "x", "url": "/v1/embeddings", "body": {}}), "url is '/v1/embeddings', must be", 400),
    (json.dumps({"custom_id": "x", "url": COMPLETION}), "body is missing, must be an object", 400),
    (json.dumps({"custom_id": "x", "url": COMPLETION, "method": "GET", "body": {}}), "method is 'GET', must be 'POST'", 400),
    (json.dumps({"custom_id": "x", "url": "/" * 10**6, "body": {}}), "url is '////", 400),
    (json.dumps({"custom_id": 10**80, "url": COMPLETION, "body": {}}), "custom_id is 10000000000000000000... (81 digits), must be", 400),
    (line("x", prompt="a", max_tokens=10**30), f"max_tokens is {10**30}, must be", 400),
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
    results, summary = run(tinyllm, models["loop"], lines, "--context", 64)
    assert summary.startswith("batch: 2 done, 1 failed; ")
    assert results.pop("good")["response"]["body"]["choices"][0]["text"] == "bc"
    assert results.pop("also good")["response"]["body"]["choices"][0]["text"] == "cd"
    (result,) = results.values()
    assert result["id"] == "batch_req_3" and result["custom_id"] in (None, "x")
    assert result["error"]["message"].startswith("line 3: ") and message in result["error"]["message"]
    assert result["error"]["line"] == 3 and len(result["error"]["message"]) < 300
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
    assert "line 1 is not a result of a batch; name another file after -o" in message
    assert out.read_text() == '{"a": 1}\n'
    assert "input is missing" not in tinyllm.failure("batch", tmp_path / "nowhere", "-m", models["loop"])


@pytest.mark.parametrize("content", ["my notes", '{"a": 1}', '{"id": "batch_req_', '{"id":"batch', "{", " "])
def test_a_file_of_one_line_without_a_newline_stays_as_it_is(tinyllm, models, tmp_path, content):
    source, out = tmp_path / "in.jsonl", tmp_path / "notes.txt"
    source.write_text(line("a", prompt="a") + "\n")
    out.write_text(content)
    assert "line 1 is not a result of a batch" in tinyllm.failure("batch", source, "-m", models["loop"], "-o", out)
    assert out.read_text() == content


def test_only_what_a_killed_run_left_is_cut_off(tinyllm, models, tmp_path):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(line(f"r{i}", prompt="a", max_tokens=2) + "\n" for i in range(3)))
    command = ["batch", source, "-m", models["loop"], "-o", out]
    assert tinyllm.run(*command).returncode == 0
    whole = out.read_text()
    # Somebody's own words behind the results.
    out.write_text(whole + "my notes")
    assert "line 4 is not a result of a batch" in tinyllm.failure(*command)
    assert out.read_text() == whole + "my notes"
    # A whole result that lost its newline only, to an editor: it counts.
    out.write_text(whole.rstrip("\n"))
    assert b"0 done, 0 failed, 3 skipped (done before)" in tinyllm.run(*command).stderr
    assert out.read_text() == whole
    # The first line, half written.
    out.write_text(whole[:40])
    assert b"3 done, 0 failed; " in tinyllm.run(*command).stderr
    assert len(results_of(out.read_text())) == 3


def test_two_batches_on_one_file(tinyllm, models, tmp_path):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(line(f"r{i}", prompt="a", max_tokens=4000) + "\n" for i in range(200)))
    command = ["batch", source, "-m", models["loop"], "-o", out, "--max-num-seqs", "2"]
    first = subprocess.Popen([BINARY, *map(str, command)], env=tinyllm.env, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while (not out.exists() or not out.read_bytes()) and time.monotonic() < deadline:
            time.sleep(0.01)
        message = tinyllm.failure(*command)
        assert message.startswith(f"{out}: another batch is writing its results there; wait for its end")
        assert first.poll() is None
    finally:
        first.kill()
        first.wait()
    # The lock ends with its owner.
    source.write_text(line("r0", prompt="a") + "\n")
    assert b"1 skipped (done before)" in tinyllm.run(*command).stderr


def test_failed_lines_are_tried_again_with_retry_only(tinyllm, models, tmp_path):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    long = line("long", prompt="a" * 100, max_tokens=2)
    source.write_text("".join(one + "\n" for one in [line("good", prompt="a", max_tokens=2), long, "{"]))
    command = ["batch", source, "-m", models["loop"], "-o", out]
    done = tinyllm.run(*command, "--context", 64)
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.startswith(f"batch: 1 done, 2 failed; results in {out}; ".encode())
    good = next(one for one in out.read_text().splitlines(keepends=True) if '"custom_id":"good"' in one)
    done = tinyllm.run(*command)
    assert b"0 done, 0 failed, 3 skipped (1 done before, 2 failed before: --retry runs these again)" in done.stderr
    done = tinyllm.run(*command, "--retry")
    assert done.returncode == 0 and b"batch: 1 done, 1 failed, 1 skipped (done before); " in done.stderr
    results = results_of(out.read_text())
    assert out.read_text().count("\n") == 3 and good in out.read_text()
    assert results["long"]["error"] is None and results["batch_req_3"]["error"]["line"] == 3
    assert "give them with -o" in tinyllm.failure("batch", source, "-m", models["loop"], "--retry", code=2)


def test_the_exit_code_is_1_when_every_request_failed(tinyllm, models, tmp_path):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("{\n[]\n")
    for counts in ("batch: 0 done, 2 failed; ", "batch: 0 done, 0 failed, 2 skipped (0 done before, 2 failed before"):
        done = tinyllm.run("batch", source, "-m", models["loop"], "-o", out)
        assert done.returncode == 1
        assert done.stderr.decode().startswith(counts)
        assert done.stderr.decode().endswith("tinyllm: every request failed; \"error\" of their results says why\n")
    done = tinyllm.run("batch", "-", "-m", models["loop"], stdin="")
    assert (done.returncode, done.stderr) == (0, b"batch: 0 done, 0 failed; results on stdout\n")


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
