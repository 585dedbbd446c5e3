"""tinyllm chat at a terminal: prompt, keys, Ctrl-C, history, the first visit."""

import pytest
from conftest import BINARY
from terminal import Terminal

CTRL_C, CTRL_D, UP = "\x03", "\x04", "\x1b[A"


@pytest.fixture
def chat(tinyllm, models):
    terminals = []

    def start(model, *flags, **env):
        command = [BINARY, "chat", "-m", models[model], *flags]
        terminals.append(Terminal(command, {**tinyllm.env, **env}))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def test_talks(chat):
    terminal = chat("fine")
    greeting = terminal.wait_for("> ").splitlines()
    assert greeting[0] == "fine"
    assert greeting[1].startswith("KV cache ")
    assert greeting[2].startswith("/help lists what you can type")
    terminal.type("How?\n")
    assert "\nFine é!\n" in terminal.wait_for("tok/s\n")
    terminal.wait_for("> ")
    terminal.type(CTRL_D)
    assert terminal.exit_code() == 0


def test_ctrl_c_stops_the_answer_and_not_the_program(chat):
    terminal = chat("loop", "--context", "1000000")
    terminal.wait_for("> ")
    terminal.type("go\n")
    terminal.wait_for("abcdefghijklmnopqrstuvwxyz abc")
    terminal.type(CTRL_C)
    terminal.wait_for("stopped: ")
    terminal.wait_for("> ")
    terminal.type("/stats\n")
    terminal.wait_for(" of 1000000 tokens, 1 turn\n")
    terminal.wait_for("> ")
    terminal.type("/exit\n")
    assert terminal.exit_code() == 0


def test_ctrl_c_at_the_prompt_gives_the_line_up_and_twice_leaves(chat):
    terminal = chat("fine")
    terminal.wait_for("> ")
    terminal.type("half a mess")
    terminal.wait_for("half a mess")
    terminal.type(CTRL_C)
    terminal.wait_for("(Ctrl-C again or Ctrl-D leaves)")
    terminal.wait_for("> ")
    terminal.type("How?\n")
    terminal.wait_for("Fine é!\n")
    terminal.wait_for("> ")
    terminal.type(CTRL_C)
    terminal.wait_for("> ")
    terminal.type(CTRL_C)
    assert terminal.exit_code() == 0


def test_several_lines(chat):
    terminal = chat("fine")
    terminal.wait_for("> ")
    terminal.type('"""one\n')
    terminal.wait_for(". ")
    terminal.type('two"""\n')
    terminal.wait_for("Fine é!\n")
    terminal.wait_for("> ")
    terminal.type("/stats\n")
    n_tokens = len("<user\none\ntwo>\n<assistant\n")
    assert f"prompt {n_tokens} tokens (0 kept from before)" in terminal.wait_for("kept from before)")


def test_reset(chat):
    terminal = chat("fine")
    for keys, shown in [("a\n", "Fine é!"), ("b\n", "Fine é!"), ("/reset\n", "(a new talk)"), ("c\n", "Fine é!")]:
        terminal.wait_for("> ")
        terminal.type(keys)
        terminal.wait_for(shown)
    terminal.wait_for("> ")
    terminal.type("/stats\n")
    terminal.wait_for(" of 4096 tokens, 1 turn\n")


def test_arrow_up_brings_a_message_back(chat):
    terminal = chat("fine")
    terminal.wait_for("> ")
    terminal.type("/stats \n")
    terminal.wait_for("seed")
    terminal.wait_for("> ")
    terminal.type(UP + "\n")
    terminal.wait_for("seed")


def test_arrow_up_gives_the_lines_of_a_long_message_one_by_one(chat):
    terminal = chat("fine")
    terminal.wait_for("> ")
    terminal.type("one\\\n")
    terminal.wait_for(". ")
    terminal.type("two\n")
    terminal.wait_for("Fine é!\n")
    terminal.wait_for("> ")
    terminal.type(UP)
    terminal.wait_for("two")
    terminal.type(UP)
    terminal.wait_for("one")


def test_keys_edit_the_line_and_know_wide_characters(chat):
    terminal = chat("fine")
    terminal.wait_for("> ")
    terminal.type("/系é\x7f\x7fhelp\n")
    terminal.wait_for("/reset")


def test_first_talk_ends_with_three_lines_once(chat):
    for shown in (True, False):
        terminal = chat("fine")
        terminal.wait_for("> ")
        terminal.type(CTRL_D)
        assert terminal.exit_code() == 0
        assert ("What to try next:" in terminal.text) == shown


def test_no_color(chat):
    for env, colored in [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]:
        terminal = chat("fine", **env)
        terminal.wait_for("> ")
        terminal.type("How?\n")
        terminal.wait_for("tok/s\n")
        terminal.wait_for("> ")  # a Ctrl-D that comes before it would be lost
        terminal.type(CTRL_D)
        assert terminal.exit_code() == 0
        assert ("\x1b[2m" in terminal.raw, "\x1b[1;36m" in terminal.raw) == (colored, colored)


def test_answers_go_to_stdout_only(tinyllm, models, tmp_path):
    answers = tmp_path / "answers"
    command = ["bash", "-c", f"{BINARY} chat -m {models['fine']} > {answers}"]
    terminal = Terminal(command, tinyllm.env)
    terminal.wait_for("> ")
    terminal.type("How?\n")
    terminal.wait_for("tok/s\n")
    terminal.wait_for("> ")
    terminal.type(CTRL_D)
    assert terminal.exit_code() == 0
    terminal.close()
    assert answers.read_text() == "Fine é!\n"
