"""Help, usage errors, exit codes, and what happens when the other end of stdout fails."""

import re
import subprocess
import sys

import pytest
from conftest import BINARY, ROOT

COMMANDS = ["chat", "generate", "tokenize", "detokenize", "template", "perplexity", "inspect", "pull", "list", "rm"]
COMMANDS += ["completion"]


def test_version(tinyllm):
    version = re.search(r"project\(tinyllm VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
    assert tinyllm.text("--version") == f"tinyllm {version}\n"


def test_help_names_every_command(tinyllm):
    text = tinyllm.text("--help")
    assert [command for command in COMMANDS if not re.search(rf"^  {command}\b", text, re.MULTILINE)] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_fits_80_columns_and_has_examples(tinyllm, command):
    text = tinyllm.text(command, "--help")
    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert f"  tinyllm {command}" in text.split("Examples:")[1] or f"tinyllm {command}" in text.split("Examples:")[1]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "a command is missing; see 'tinyllm --help'"),
        (["chta"], "'chta' is no command; did you mean 'chat'?; see 'tinyllm --help'"),
        (["chat", "--bogus"], "The following argument was not expected: --bogus; see 'tinyllm chat --help'"),
        (["generate", "-p", "x"], "--model is required; see 'tinyllm generate --help'"),
        (["generate", "-m", "x"], "give exactly one of --prompt, --prompt-file, --token-ids; see 'tinyllm generate --help'"),
        (["chat", "--temperature", "hot"], "--temperature: is hot, must be in [0, 100]; see 'tinyllm chat --help'"),
        (["chat", "--top-p", "1.5"], "--top-p: is 1.5, must be in [1e-06, 1]; see 'tinyllm chat --help'"),
        (["chat", "--top-k", "1.5"], "Could not convert: --top-k = 1.5; see 'tinyllm chat --help'"),
        (["completion", "tcsh"], "SHELL: tcsh not in {bash,zsh,fish}; see 'tinyllm completion --help'"),
    ],
)
def test_usage_errors(tinyllm, arguments, message):
    assert tinyllm.failure(*arguments, code=2) == message


def test_hints_name_the_program_as_it_was_called(tinyllm):
    tinyllm.env["TINYLLM_CALLED_AS"] = "./tiny"
    assert tinyllm.failure("chta", code=2).endswith("did you mean 'chat'?; see './tiny --help'")
    assert "`./tiny list` shows" in tinyllm.failure("tokenize", "-m", "nothing", stdin="x")
    assert "Usage: ./tiny chat" in tinyllm.text("chat", "--help")
    assert "`./tiny pull NAME`" in tinyllm.text("list")
    assert "tinyllm " not in tinyllm.text("serve", "--help")


def test_unknown_model_says_what_to_do(tinyllm):
    message = tinyllm.failure("generate", "-m", "smollm2-135n", "-p", "x")
    assert "smollm2-135n" in message and "smollm2-135m" in message


def test_closed_pipe_is_quiet(tinyllm, models):
    command = f"{BINARY} generate -m {models['loop']} -p a -n 4000 | head -c 5"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, env=tinyllm.env, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"bcdef", b"")


@pytest.mark.parametrize("command", ["generate", "tokenize", "inspect", "--help", "chat"])
def test_full_disk_is_an_error(tinyllm, models, command):
    arguments = {
        "generate": ["generate", "-m", models["fine"], "-p", "F"],
        "tokenize": ["tokenize", "-m", models["fine"]],
        "inspect": ["inspect", models["fine"]],
        "--help": ["--help"],
        "chat": ["chat", "-m", models["fine"], "-p", "x"],
    }[command]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [BINARY, *arguments], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, env=tinyllm.env
        )
    assert (done.returncode, done.stderr) == (
        1,
        b"tinyllm: standard output cannot be written: No space left on device\n",
    )


def test_log_file_gets_lines_and_stdout_does_not(tinyllm, models, tmp_path):
    log = tmp_path / "log.txt"
    done = tinyllm.run("generate", "-m", models["fine"], "-p", "F", "--seed", "7", "--verbose", "--log-file", log)
    assert (done.returncode, done.stdout.decode()) == (0, "ine é!\n")
    assert "seed 7" in log.read_text() and "seed 7" in done.stderr.decode()


def test_log_file_that_cannot_be_opened(tinyllm, models):
    message = tinyllm.failure("inspect", models["fine"], "--log-file", "/dev/null/log")
    assert message.startswith("--log-file /dev/null/log: cannot be opened for writing")


def test_bash_completion_completes(tinyllm):
    script = tinyllm.text("completion", "bash")
    ask = script + 'COMP_WORDS=(tinyllm gen); COMP_CWORD=1; _tinyllm; echo "${COMPREPLY[@]}"\n'
    ask += 'COMP_WORDS=(tinyllm generate --top); COMP_CWORD=2; _tinyllm; echo "${COMPREPLY[@]}"\n'
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, timeout=20)
    first, second = done.stdout.splitlines()
    assert (first, sorted(second.split()), done.stderr) == ("generate", ["--top-k", "--top-logits", "--top-p"], "")


def test_other_completions_name_the_options(tinyllm):
    assert "complete -c tinyllm -n '__fish_seen_subcommand_from generate' -l top-logits -r" in tinyllm.text(
        "completion", "fish"
    )
    zsh = tinyllm.text("completion", "zsh")
    assert zsh.startswith("#compdef tinyllm\n") and "'--top-logits[" in zsh


def test_the_page_of_commands_is_what_help_says():
    made = subprocess.run([sys.executable, ROOT / "tools/make_commands_page.py", "--print"], capture_output=True, text=True, check=True)
    page = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    assert page == made.stdout, "docs/commands.md is out of date: run tools/make_commands_page.py"
