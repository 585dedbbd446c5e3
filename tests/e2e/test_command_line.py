"""Help, usage errors, exit codes, and what happens when the other end of stdout fails."""

import re
import subprocess
import sys

import pytest
from conftest import BINARY, ROOT

COMMANDS = ["chat", "generate", "tokenize", "detokenize", "template", "perplexity", "inspect", "pull", "list", "rm"]
COMMANDS += ["completion", "ps", "serve", "batch", "quantize"]


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
        (["chta"], "unknown command 'chta'; did you mean 'chat'?; see 'tinyllm --help'"),
        (["chat", "--bogus"], "unknown option '--bogus'; see 'tinyllm chat --help'"),
        (["generate", "--modl", "x", "-p", "y"], "unknown option '--modl'; did you mean '--model'?; see 'tinyllm generate --help'"),
        (["chat", "--contxt=5"], "unknown option '--contxt'; did you mean '--context'?; see 'tinyllm chat --help'"),
        (["serve", "--max-num-seq", "4"], "unknown option '--max-num-seq'; did you mean '--max-num-seqs'?; see 'tinyllm serve --help'"),
        (["serve", "--port", "99999"], "--port: is 99999, must be in [0, 65535]; see 'tinyllm serve --help'"),
        (["serve", "--port", "80a"], "--port: is 80a, must be in [0, 65535]; see 'tinyllm serve --help'"),
        (["serve", "a.gguf", "b.gguf"], "give one model: serve answers with that one; see 'tinyllm serve --help'"),
        (["chat", "-p", "x", "two words"], "'two words' is one word too many: give [MODEL] and one text, in quotes; see 'tinyllm chat --help'"),
        (["generate", "-m", "x", "-p", "y", "--top-logits", "3"], "--top-logits are part of the JSON: give --json too; see 'tinyllm generate --help'"),
        (["serve", "--mlock"], "--mlock is not an option here: weights are copied once into memory of their own; leave it out; see 'tinyllm serve --help'"),
        (["generate", "-p", "x"], "--model is required; see 'tinyllm generate --help'"),
        (["generate", "-m", "x"], "give exactly one of --prompt, --prompt-file, --token-ids; see 'tinyllm generate --help'"),
        (["chat", "--temperature", "hot"], "--temperature: is hot, must be in [0, 100]; see 'tinyllm chat --help'"),
        (["chat", "--top-p", "1.5"], "--top-p: is 1.5, must be in [1e-06, 1]; see 'tinyllm chat --help'"),
        (["chat", "--top-k", "1.5"], "--top-k: is 1.5, must be a whole number in [0, 2147483647]; see 'tinyllm chat --help'"),
        (["completion", "tcsh"], "SHELL: tcsh not in {bash,zsh,fish}; see 'tinyllm completion --help'"),
    ],
)
def test_usage_errors(tinyllm, arguments, message):
    assert tinyllm.failure(*arguments, code=2) == message


@pytest.mark.parametrize(
    "arguments",
    [
        ["generate", "-p", "a", "--temp", "0", "--n-predict", "5"],
        ["generate", "-p", "a", "--temp=0", "--predict=5"],
        ["generate", "-p", "a", "-n5", "--ctx-size", "64"],
        ["generate", "-p", "a", "-n", "5", "--max-model-len", "64", "--repeat-penalty", "1"],
        ["generate", "-p", "a", "--num-predict", "5", "--num-ctx", "64"],
    ],
)
def test_flags_of_other_programs_work(tinyllm, models, arguments):
    assert tinyllm.text(*arguments, "-m", models["loop"]) == "bcdef\n"


def test_a_value_may_look_like_a_flag(tinyllm, models):
    assert tinyllm.text("generate", "-m", models["loop"], "-p", "--temp a", "-n", "3") == "bcd\n"
    assert tinyllm.text("generate", "-m", models["loop"], "-n", "3", "--prompt=-x -a") == "bcd\n"
    assert tinyllm.text("chat", "-m", models["fine"], "--presence-penalty", "-0.5", "-p", "x") == "Fine é!\n"


@pytest.mark.parametrize(
    "arguments, hint",
    [
        (["chat", "-ngl", "99"], "-ngl is not an option here: a model runs on one device as a whole: --device cuda"),
        (["serve", "--n-gpu-layers", "99"], "--device cuda for the GPU"),
        (["serve", "--gpu-memory-utilization", "0.9"], "--gpu-memory-utilization is not an option here: --kv-blocks"),
        (["serve", "--tensor-parallel-size", "2"], "a model runs on one GPU"),
        (["serve", "-tp", "2"], "a model runs on one GPU"),
        (["chat", "-fa"], "it is always so here; leave it out"),
        (["serve", "--trust-remote-code"], "no code of a model's repository is ever run"),
        (["chat", "--hf-repo", "a/b"], "`tinyllm pull ORG/REPO:Q4_K_M` fetches a model"),
    ],
)
def test_flags_that_have_no_counterpart_give_a_hint(tinyllm, arguments, hint):
    assert hint in tinyllm.failure(*arguments, code=2)


def test_every_alias_of_a_foreign_flag_names_a_flag_of_ours(tinyllm):
    table = (ROOT / "src/apps/foreign_flags.cpp").read_text()
    own = set(re.findall(r'\{"-[^"]+", "(--[a-z-]+)"\}', table))
    everything = "".join(tinyllm.text(command, "--help") for command in ("chat", "generate", "serve", "batch"))
    assert len(own) > 10 and [flag for flag in sorted(own) if f"{flag} " not in everything] == []


def test_choices_stand_in_the_help(tinyllm):
    for command, words in [
        ("chat", "--kv-type bf16|int8|fp8|q4|f32"), ("chat", "--quantize q8|q4"), ("chat", "--engine batched|reference"),
        ("serve", "--block-size 1|16|32|64"), ("serve", "--schedule fcfs|priority"), ("quantize", "--type q8_0|q4_0|q4_k"),
    ]:  # fmt: skip
        assert words in tinyllm.text(command, "--help")


def test_help_shows_what_works_and_no_hidden_section(tinyllm):
    assert "--mine" in tinyllm.text("chat", "--help") and "--mine" in tinyllm.text("serve", "--help")
    for command in ("list", "pull", "tokenize", "quantize", "rm"):
        assert "--mine  " not in tinyllm.text(command, "--help"), command
    assert "\n:\n" not in tinyllm.text("learn", "update", "--help")


def test_verbose_says_the_memory_of_chat_as_of_generate(tinyllm, models):
    for command in ("chat", "generate"):
        assert b"KV cache " in tinyllm.run(command, "-m", models["fine"], "-p", "x", "-v").stderr


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
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, timeout=60)
    first, second = done.stdout.splitlines()
    assert (first, sorted(second.split()), done.stderr) == ("generate", ["--top-k", "--top-logits", "--top-p"], "")


def test_bash_completion_knows_models_and_the_script(tinyllm, models):
    home = tinyllm.home / "tinyllm/models"
    home.mkdir(parents=True)
    for name in ("toy-one.gguf", "toy-two.gguf"):
        (home / name).symlink_to(models["fine.gguf"])
    assert tinyllm.text("list", "--names") == "toy-one\ntoy-two\n"
    script = tinyllm.text("completion", "bash") + f"tinyllm() {{ {BINARY} \"$@\"; }}\n"
    for words in ("tinyllm chat toy", "tinyllm generate -m toy", "tinyllm serve --model toy", "tinyllm pull smol", "./tiny doc"):
        n = len(words.split()) - 1
        script += f'COMP_WORDS=({words}); COMP_CWORD={n}; _tinyllm; echo "${{COMPREPLY[@]}}"\n'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, env=tinyllm.env)
    assert done.stdout.splitlines() == ["toy-one toy-two"] * 3 + ["smollm2-135m", "doctor"], done
    assert done.stderr == ""


def test_other_completions_name_the_options(tinyllm):
    assert "complete -c tinyllm -n '__fish_seen_subcommand_from generate' -l top-logits -r" in tinyllm.text(
        "completion", "fish"
    )
    zsh = tinyllm.text("completion", "zsh")
    assert zsh.startswith("#compdef tinyllm tiny\n") and "'--top-logits[" in zsh


def test_the_page_of_commands_is_what_help_says():
    made = subprocess.run([sys.executable, ROOT / "tools/make_commands_page.py", "--print"], capture_output=True, text=True, check=True)
    page = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    assert page == made.stdout, "docs/commands.md is out of date: run tools/make_commands_page.py"
