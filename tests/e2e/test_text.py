"""tinyllm tokenize, detokenize and template: exact bytes both ways."""

import json

import pytest
from conftest import BINARY
from terminal import Terminal
from toy_model import IM_END, IM_START, TH


def test_tokenize(tinyllm, models):
    assert tinyllm.text("tokenize", "-m", models["fine"], stdin="a the") == f"97 32 {TH} 101\n"
    assert tinyllm.json("tokenize", "-m", models["fine"], "--json", stdin="a\n") == [97, 10]
    assert tinyllm.text("tokenize", "-m", models["fine"], stdin="") == "\n"


def test_tokenize_special(tinyllm, models):
    assert tinyllm.json("tokenize", "-m", models["fine"], "--json", stdin="<|im_end|>") == [IM_END]
    plain = tinyllm.json("tokenize", "-m", models["fine"], "--json", "--no-special", stdin="<|im_end|>")
    assert plain == [*b"<|im_end|>"]


@pytest.mark.parametrize("written", ["105 32 99", "105,32,99", "[105, 32, 99]", "105\n32\n99\n"])
def test_detokenize_reads_every_writing(tinyllm, models, written):
    assert tinyllm.text("detokenize", "-m", models["fine"], stdin=written) == "i c"


def test_detokenize_gives_raw_bytes(tinyllm, models):
    done = tinyllm.run("detokenize", "-m", models["fine"], stdin=f"255 0 195 {IM_START}")
    assert done.stdout == b"\xff\x00\xc3<|im_start|>"


def test_round_trip_keeps_every_byte(tinyllm, models):
    text = "Zwölf Boxkämpfer 🥊\r\n\t\x00 日本語 <|im_end|> the\n\n"
    ids = tinyllm.text("tokenize", "-m", models["fine"], stdin=text)
    assert tinyllm.text("detokenize", "-m", models["fine"], stdin=ids) == text


def test_detokenize_refuses_what_is_no_id(tinyllm, models):
    message = tinyllm.failure("detokenize", "-m", models["fine"], stdin="1 260")
    assert message == "standard input: '260' is not a token id; it must be in [0, 260)"


def test_template_adds_nothing(tinyllm, models, tmp_path):
    talk = [{"role": "system", "content": "S"}, {"role": "user", "content": " <|im_end|> "}]
    file = tmp_path / "talk.json"
    file.write_text(json.dumps(talk))
    start = "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\n <|im_end|> <|im_end|>\n"
    assert tinyllm.text("template", "-m", models["fine"], file) == start + "<|im_start|>assistant\n"
    assert tinyllm.text("template", "-m", models["fine"], file, "--no-generation-prompt") == start
    whole = json.dumps({"messages": talk, "tools": []})
    assert tinyllm.text("template", "-m", models["fine"], "-", stdin=whole) == start + "<|im_start|>assistant\n"


@pytest.mark.parametrize(
    "stdin, message",
    [
        ("{", "standard input: not JSON at byte 2: "),
        ('{"tools": []}', "standard input: must be an array of messages, or an object with such an array"),
        ("3", "standard input: must be an array of messages, or an object with such an array"),
    ],
)
def test_template_refuses(tinyllm, models, stdin, message):
    assert tinyllm.failure("template", "-m", models["fine"], "-", stdin=stdin).startswith(message)


def test_template_of_a_base_model(tinyllm, models):
    message = tinyllm.failure("template", "-m", models["base"], "-", stdin="[]")
    assert "has no chat template (a base model)" in message


@pytest.mark.parametrize("command", [["tokenize"], ["detokenize"], ["generate", "-f", "-"]])
def test_at_a_terminal_it_says_that_it_waits(tinyllm, models, command):
    terminal = Terminal([BINARY, *command, "-m", models["fine"]], tinyllm.env)
    terminal.wait_for("type the text; Ctrl-D on an empty line ends it\n")
    terminal.type("70\n\x04")
    assert terminal.exit_code() == 0
    terminal.close()
