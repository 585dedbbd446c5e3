"""The loop in one terminal and commands in another share one learner: nothing gets lost, and right code stays green."""

import fcntl
import json
import subprocess

from learner import RMS_NORM
from test_tool import loop, keys_shown  # noqa: F401


def test_two_checks_at_once_both_find_right_code_green(learner):
    """Each edit is checked by two processes, as the loop and `learn context` of a tutor do: they share object and binary."""
    learner.learn("check", "norm.rms")
    command = [str(learner.binary), "learn", "check", "norm.rms", "--json"]
    for n in range(4):
        learner.write("week1/rms_norm.cpp", f"{RMS_NORM}// edit {n}\n")
        both = [subprocess.Popen(command, env=learner.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in "ab"]
        for process in both:
            stdout, stderr = process.communicate(timeout=120)
            assert process.returncode == 0, stderr + stdout
            assert json.loads(stdout)[0]["outcome"] == "green", stdout


def test_a_hint_of_another_terminal_is_not_forgotten_by_the_loop(learner, loop):  # noqa: F811
    terminal = loop()
    keys_shown(terminal)
    assert "hint 1 of 4" in learner.learn("hint", "index.strides").stdout
    learner.write("week0/strides.cpp", (learner.folder / "code/week0/strides.cpp").read_text(encoding="utf-8") + "\n")
    terminal.wait_for("expected red")  # the loop has written the progress
    keys_shown(terminal)
    assert learner.state()["tasks"]["index.strides"]["hints"] == 1
    terminal.type("q")
    assert terminal.exit_code() == 0


def test_whoever_waits_for_another_terminal_says_so_once(learner):
    learner.learn("check", "norm.rms")
    command = [str(learner.binary), "learn", "check", "norm.rms"]
    with open(learner.folder / "build/learn/lock", "r+", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = subprocess.Popen(command, env=learner.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        waiting = process.stderr.readline()
    stdout, stderr = process.communicate(timeout=120)
    assert waiting == "waiting for another 'tinyllm learn' that works in this folder ...\n"
    assert "expected red" in stdout and "waiting" not in stderr


def test_a_progress_file_that_breaks_while_the_loop_runs_is_said(learner, loop):  # noqa: F811
    terminal = loop()
    keys_shown(terminal)
    (learner.folder / "progress/state.json").write_text("{", encoding="utf-8")
    terminal.type(" ")
    assert "expected red" in terminal.wait_for("state.json.broken-1")
    keys_shown(terminal)
    terminal.type("q")
    assert terminal.exit_code() == 0
