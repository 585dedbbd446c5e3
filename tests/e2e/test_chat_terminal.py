"""tinyllm chat at a terminal: prompt, keys, Ctrl-C, history, the first visit."""

import base64
import os
import signal
import subprocess
import termios

import pytest
import toy_model
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
    assert greeting[0] == "fine: 0 million parameters, 1 MB; it remembers 4096 tokens of a talk"
    assert greeting[1].startswith("/help lists what you can type")
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


def mode_of(terminal):
    """The four words of flags."""
    return termios.tcgetattr(terminal.fd)[:4]


def test_the_terminal_has_one_mode_through_the_whole_talk(chat):
    terminal = chat("loop", "--context", "1000000")
    terminal.wait_for("> ")
    at_the_prompt = mode_of(terminal)
    terminal.type("go\n")
    terminal.wait_for("abc")
    assert mode_of(terminal) == at_the_prompt
    terminal.type(CTRL_C)
    terminal.wait_for("stopped: ")
    assert mode_of(terminal) == at_the_prompt
    assert not at_the_prompt[3] & (termios.ICANON | termios.ECHO | termios.ISIG)


@pytest.mark.parametrize("end", ["exit", signal.SIGTERM, signal.SIGHUP])
def test_the_mode_of_before_comes_back(tinyllm, models, end):
    command = f"stty -a >&2; echo BEGIN; {BINARY} chat -m {models['fine']}; echo END; stty -a"
    terminal = Terminal(["bash", "-c", f"trap '' TERM; {command}"], tinyllm.env)
    terminal.wait_for("BEGIN\n")
    terminal.wait_for("> ")
    if end == "exit":
        terminal.type("/exit\n")
    else:
        pid = subprocess.run(["pgrep", "-P", str(terminal.pid), "tinyllm"], capture_output=True, text=True).stdout
        os.kill(int(pid), end)
    terminal.wait_for("END\n")
    assert terminal.exit_code() == 0
    after = terminal.text[terminal.text.index("END\n") + 4 :]
    assert [flag for flag in ("icanon", "echo", "isig") if flag not in after.split()] == []
    assert terminal.raw.count("\x1b[?2004h") <= terminal.raw.count("\x1b[?2004l")
    terminal.close()


def test_what_is_typed_during_an_answer_is_kept(chat):
    terminal = chat("loop", "--context", "1000000")
    terminal.wait_for("> ")
    terminal.type("go\n")
    terminal.wait_for("abcdefghijklmnopqrstuvwxyz abc")
    terminal.type("/sys")
    terminal.wait_for("xyz abc")
    terminal.type("tem Be brief." + CTRL_C)
    terminal.wait_for("stopped: ")
    terminal.wait_for("> /system Be brief.")
    terminal.type("\n")
    terminal.wait_for("(system prompt set; a new talk)")


def test_lines_typed_during_an_answer_are_answered_one_by_one(chat):
    terminal = chat("loop", "--max-tokens", "300")
    terminal.wait_for("> ")
    terminal.type("one\ntwo\n/stats\n")
    terminal.wait_for("2 turns\n")
    assert terminal.text.count("300 tokens, ") >= 2


def test_ctrl_d_between_an_answers_end_and_the_next_prompt(chat):
    for keys in ("How?\n" + CTRL_D, "How?\nReally?\n" + CTRL_D):
        terminal = chat("fine")
        terminal.wait_for("> ")
        terminal.type(keys)
        assert terminal.exit_code() == 0
        assert terminal.text.count("Fine é!") == keys.count("\n")


def test_ctrl_z_during_an_answer_suspends_and_comes_back(tinyllm, models):
    shell = Terminal(["bash", "--norc", "-i"], {**tinyllm.env, "PS1": "shell$ "})
    shell.wait_for("shell$ ")
    shell.type(f"{BINARY} chat -m {models['loop']} --context 1000000\n")
    shell.wait_for("> ")
    shell.type("go\n")
    shell.wait_for("xyz abc")
    shell.type("\x1a")
    shell.wait_for("Stopped")
    shell.wait_for("shell$ ")
    shell.type("echo to$((1+1))\n")
    shell.wait_for("to2\n")
    shell.type("fg\n")
    shell.wait_for("xyz abc")
    shell.type(CTRL_C)
    shell.wait_for("> ")
    shell.type("/exit\n")
    shell.wait_for("shell$ ")
    shell.close()


PASTE = "\x1b[200~{}\x1b[201~"


@pytest.mark.parametrize("lines", ["one\ntwo\nsix", "one\rtwo\rsix\r", "one\r\ntwo\r\nsix\r\n"])
def test_a_paste_of_several_lines_is_one_message(chat, lines):
    terminal = chat("fine")
    terminal.wait_for("> ")
    terminal.type(PASTE.format(lines))
    terminal.wait_for("six")
    terminal.type("\n")
    terminal.wait_for("Fine é!\n")
    terminal.wait_for("> ")
    terminal.type("/stats\n")
    n_tokens = len("<user\none\ntwo\nsix>\n<assistant\n")
    assert f"prompt {n_tokens} tokens" in terminal.wait_for("kept from before)")


def test_history_is_kept_between_talks_for_the_user_alone(chat, tinyllm):
    file = tinyllm.home / "tinyllm/chat-history"
    for flags, keys in ([], "first\n"), (["--no-history"], "secret\n"):
        terminal = chat("fine", *flags)
        terminal.wait_for("> ")
        terminal.type(keys + CTRL_D)
        assert terminal.exit_code() == 0
    assert file.read_text() == "first\n" and file.stat().st_mode & 0o777 == 0o600
    terminal = chat("fine")
    terminal.wait_for("> ")
    terminal.type(UP)
    terminal.wait_for("first")
    assert "secret" not in terminal.text


def test_tab_completes_commands(chat):
    terminal = chat("fine")
    terminal.wait_for("> ")
    terminal.type("/he\t\n")
    terminal.wait_for("this list")
    terminal.wait_for("> ")
    terminal.type("/s\t\t")
    terminal.wait_for("/stats  /system")
    terminal.type("t\t\n")
    terminal.wait_for("seed")


def test_tab_offers_models_and_files(chat, tinyllm, models):
    home = tinyllm.home / "tinyllm/models"
    home.mkdir(parents=True)
    (home / "my-model.gguf").symlink_to(models["fine.gguf"])
    (tinyllm.home / "notes.txt").write_text("x")
    terminal = chat("fine")
    terminal.wait_for("> ")
    terminal.type("/model my\t")
    terminal.wait_for("-model ")
    terminal.type(CTRL_C)
    terminal.wait_for("> ")
    terminal.type(f"/read {tinyllm.home}/not\t")
    terminal.wait_for("txt")  # the line may break before it


def test_lines_are_wrapped_at_words(chat):
    terminal = chat("loop", "--max-tokens", "100")
    terminal.wait_for("> ")
    terminal.type("go\n")
    word = "abcdefghijklmnopqrstuvwxyz"
    terminal.wait_for(f"{word} {word}\n{word} abcdefghijklmnopqrs\n")


def test_an_answer_cannot_steer_the_terminal(tinyllm, tmp_path):
    folder = toy_model.write_folder(tmp_path / "evil", toy_model.spell("x\x1b[2J\x07y\x7f"))
    for command in (["chat", "-m", folder, "How?"], ["generate", "-m", folder, "-p", "\n"]):
        terminal = Terminal([BINARY, *command], tinyllm.env)
        terminal.wait_for("x?[2J?y?\n")
        assert terminal.exit_code() == 0
        terminal.close()
        assert tinyllm.text(*command) == "x\x1b[2J\x07y\x7f\n"  # a pipe gets every byte


def test_copy_hands_the_answer_to_the_terminal(chat):
    terminal = chat("fine")
    for keys, shown in [("/copy\n", "(there is no answer yet)"), ("How?\n", "tok/s\n"), ("/copy\n", "characters")]:
        terminal.wait_for("> ")
        terminal.type(keys)
        terminal.wait_for(shown)
    assert f"\x1b]52;c;{base64.b64encode('Fine é!'.encode()).decode()}\x07" in terminal.raw


def test_a_pasted_text_that_begins_with_a_slash_is_a_message(chat):
    terminal = chat("fine")
    terminal.wait_for("> ")
    terminal.type(PASTE.format("// a comment\nint x;") + "\n")
    terminal.wait_for("Fine é!\n")


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
