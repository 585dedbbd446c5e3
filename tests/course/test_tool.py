"""The other commands of `learn`, and the loop at a terminal."""

import json
import os
import re
import shutil
import subprocess
import tomllib

import pytest
from learner import BINARY, FIRST_TASKS, RMS_NORM, ROOT, Learner, other_way
from terminal import Terminal

WRONG_RMS_NORM = RMS_NORM.replace("static_cast<float>(n) + eps)", "static_cast<float>(n)) + eps")


@pytest.fixture
def loop(learner):
    terminals = []

    def start(*arguments, **environment):
        terminals.append(Terminal([BINARY, "learn", *arguments], {**learner.env, **environment}))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def change(file, before, after):
    text = file.read_text(encoding="utf-8")
    assert before in text, file
    file.write_text(text.replace(before, after), encoding="utf-8")


def keys_shown(terminal):
    return terminal.wait_for("q quit\n")


@pytest.mark.parametrize("polling", [{}, {"TINYLLM_LEARN_POLL": "1"}], ids=["inotify", "polling"])
def test_the_loop_follows_saves(learner, loop, polling):
    for task, file in (("index.strides", "strides"), ("matmul.naive", "matmul"), ("softmax.row", "softmax")):
        learner.solve(task, f"week0/{file}.cpp")
        assert learner.check(task)["outcome"] == "green"
    terminal = loop(**polling)
    assert "3 of 4 tasks green" in terminal.wait_for("expected red: code/week1/rms_norm.cpp line 9")
    keys_shown(terminal)
    terminal.type("h")
    terminal.wait_for("hint 1 of 4: Root, mean, square")
    learner.write("week1/rms_norm.cpp", WRONG_RMS_NORM)
    terminal.wait_for("FAILED  rms_norm, case 'three tiny numbers'")
    keys_shown(terminal)
    terminal.type("e")
    terminal.wait_for("known mistake: eps is added behind the root")
    keys_shown(terminal)
    learner.write("week1/rms_norm.cpp", RMS_NORM)
    shown = terminal.wait_for("RMSNorm is yours now.")
    assert "4 of 4 tasks green" in shown.rsplit("tiny-llm course", 1)[1], "the bar counts the check below it"
    keys_shown(terminal)
    terminal.type("n")
    terminal.wait_for("Every task here is green.")
    keys_shown(terminal)
    terminal.type("q")
    terminal.wait_for("Your progress is kept.")
    assert terminal.exit_code() == 0
    assert learner.state()["tasks"]["norm.rms"]["hints"] == 1
    tracker = (learner.folder / "progress/my-tracker.md").read_text(encoding="utf-8")
    assert "| 1.4 | RMSNorm and MLP | green |" in tracker


def test_a_day_that_is_not_done_keeps_its_questions(learner):
    done = learner.learn("day", "1.4", "--plain", stdin="")
    assert "Not all is green yet: './tiny learn day 1.4' goes on here" in done.stdout and "In your own words" not in done.stdout


def test_ctrl_c_leaves_the_loop_and_the_terminal_as_it_was(loop):
    terminal = loop()
    keys_shown(terminal)
    terminal.type("\x03")
    assert terminal.exit_code() == 0


def test_without_a_terminal_the_loop_prints_and_ends_with_its_input(learner):
    done = learner.learn(stdin="")
    assert done.returncode == 0, done.stderr
    assert "expected red" in done.stdout and "\x1b" not in done.stdout and "q quit" not in done.stdout


def test_list_has_all_21_topics_and_marks_those_without_lesson(learner):
    text = learner.learn("list").stdout
    for week in (1, 2, 3):
        for day in range(1, 8):
            assert f"\n{week}.{day} " in text
    assert "1.2 RoPE   (no lesson yet)" in text
    assert "> open   index.strides" in text


def test_hints_come_one_by_one_and_the_solution_only_after_them(learner):
    refused = learner.learn("solution", "softmax.row")
    assert refused.returncode == 2 and "0 of 4 hints were shown" in refused.stderr
    for n in range(1, 5):
        assert f"hint {n} of 4:" in learner.learn("hint", "softmax.row").stdout
    assert "learn solution softmax.row" in learner.learn("hint", "softmax.row").stdout
    assert "std::exp(x[i] - largest)" not in learner.learn("solution", "softmax.row", stdin="n\n").stdout
    shown = learner.learn("solution", "softmax.row", "--yes").stdout
    assert "std::exp(x[i] - largest)" in shown and ">>>" not in shown
    assert learner.state()["tasks"]["softmax.row"]["saw_solution"] is True


def test_the_solution_of_what_was_green_is_shown_after_an_edit_too(learner):
    learner.write("week1/rms_norm.cpp", RMS_NORM)
    assert learner.check("norm.rms")["outcome"] == "green"
    learner.write("week1/rms_norm.cpp", WRONG_RMS_NORM)
    done = learner.learn("solution", "norm.rms")
    assert done.returncode == 0 and "x[i] * scale * weight[i]" in done.stdout, done.stderr


def test_context_tells_a_tutor_where_somebody_is_stuck(learner):
    learner.write("week1/rms_norm.cpp", WRONG_RMS_NORM)
    for task, file in (("index.strides", "strides"), ("matmul.naive", "matmul"), ("softmax.row", "softmax")):
        learner.solve(task, f"week0/{file}.cpp")
        learner.check(task)
    learner.check("norm.rms")
    learner.learn("hint")
    context = json.loads(learner.learn("context").stdout)
    assert context["task"]["id"] == "norm.rms"
    assert context["task"]["last_failure"] == "values: wrong: eps_outside"
    assert (context["task"]["hints_shown"], context["task"]["hints_total"]) == (1, 4)
    assert context["tasks_green"] == 3


def test_a_day_opens_a_page_asks_and_fills_the_tracker(learner):
    learner.write("week1/rms_norm.cpp", RMS_NORM)
    learner.learn("check", "norm.rms")
    done = learner.learn("day", "1.4", "--plain", stdin="the direction\nunder it\n61\n")
    assert done.returncode == 0, done.stderr
    pages = list((learner.folder / "sessions/week1").glob("*-day-1.4.md"))
    page = pages[0].read_text(encoding="utf-8")
    assert len(pages) == 1 and "day 1.4 RMSNorm and MLP" in page
    assert "- `norm.rms`: green since" in page and "  - the direction\n" in page and "  - 61\n" in page
    assert "## Challenges faced" in page
    (learner.folder / "sessions/week1" / pages[0].name).write_text(page + "my own words\n", encoding="utf-8")
    learner.learn("day", "1.4", "--plain", stdin="")
    assert "my own words" in pages[0].read_text(encoding="utf-8"), "a page is never begun anew"


def test_the_tracker_keeps_what_a_person_wrote(learner):
    learner.learn("progress")
    path = learner.folder / "progress/my-tracker.md"
    text = path.read_text(encoding="utf-8").replace(
        "| 1.2 | RoPE | no lesson yet | 0.0 | Learning |  |  |", "| 1.2 | RoPE | no lesson yet | 0.0 | Mastery | yes | (a pipe) |")
    path.write_text(text, encoding="utf-8")
    learner.write("week1/rms_norm.cpp", RMS_NORM)
    learner.learn("check", "norm.rms")
    learner.learn("progress")
    after = path.read_text(encoding="utf-8")
    assert "| Mastery | yes | (a pipe) |" in after and "| 1.4 | RMSNorm and MLP | green | 0.0 |" in after
    assert "1 of 4 tasks green" in after


def test_a_lesson_reads_at_a_terminal_and_in_a_browser(learner):
    text = learner.learn("read", "1.4").stdout
    assert "Worked by hand" in text and "```" not in text and "<details>" not in text
    done = learner.learn("read", "1.4", "--browser", PATH="/usr/bin-without-xdg")
    page = (learner.folder / "build/learn/lesson-1.4.html").read_text(encoding="utf-8")
    assert "open this page" in done.stdout and "<h1>1.4 RMSNorm and MLP</h1>" in page
    assert (ROOT / "course/tasks/norm.rms/rms-norm.svg").samefile(re.search(r'file://([^"]*rms-norm.svg)', page).group(1))
    refused = learner.learn("read", "1.2")
    assert refused.returncode == 1 and "day 1.2 (RoPE) has no lesson yet" in refused.stderr


def test_a_course_update_keeps_code_and_progress_and_says_what_changed(learner, tmp_path):
    learner.write("week1/rms_norm.cpp", RMS_NORM)
    learner.learn("check", "--all")
    strides = learner.folder / "code/week0/strides.cpp"
    untouched = strides.read_text(encoding="utf-8")
    (learner.folder / "code/week0/softmax.cpp").unlink()
    course = tmp_path / "new course"
    shutil.copytree(ROOT / "course", course)
    change(course / "course.toml", "version = 1", "version = 2")
    for task in FIRST_TASKS:
        change(course / f"tasks/{task}/task.toml", "contract = 1", 'contract = 2\ncontract_changes = ["eps comes last"]')
    text = learner.learn("update", TINYLLM_COURSE=str(course)).stdout
    assert "the course is version 2 now (yours was 1)" in text
    assert "norm.rms: contract v2: eps comes last" in text
    assert "code/week1/rms_norm.cpp: yours is kept as it is" in text
    assert "code/week0/strides.cpp: you had not begun" in text
    assert "code/week0/softmax.cpp: written" in text
    assert (learner.folder / "code/week1/rms_norm.cpp").read_text(encoding="utf-8") == RMS_NORM
    assert strides.read_text(encoding="utf-8") == untouched
    assert learner.state()["tasks"]["norm.rms"]["green"] is True
    assert "nothing to do for you" in learner.learn("update", TINYLLM_COURSE=str(course)).stdout


def test_list_only_reads(learner):
    before = sorted(learner.folder.rglob("*"))
    assert "norm.rms" in learner.learn("list").stdout
    assert sorted(learner.folder.rglob("*")) == before


def test_a_half_written_file_is_never_written_anew(learner, tmp_path):
    learner.learn("progress")
    strides = learner.folder / "code/week0/strides.cpp"
    half = strides.read_text(encoding="utf-8").replace('  LESSON_TODO("index.strides");', "  strides[0] = dims[0];", 1)
    strides.write_text(half, encoding="utf-8")
    shutil.copytree(ROOT / "course", tmp_path / "course2")
    change(tmp_path / "course2/tasks/index.strides/task.toml", "contract = 1", "contract = 2")
    learner.learn("update", TINYLLM_COURSE=str(tmp_path / "course2"))
    assert strides.read_text(encoding="utf-8") == half


def test_junit_and_all(learner):
    learner.write("week1/rms_norm.cpp", RMS_NORM)
    done = learner.learn("check", "--all", "--junit")
    assert 'tests="4" failures="3"' in done.stdout and 'name="norm.rms"' in done.stdout
    assert "3 of 4 tasks are not green yet" in done.stderr


def test_a_missing_model_is_said_with_what_to_do(learner):
    done = learner.learn("speak", "-m", "no-such-model")
    assert "no-such-model" in done.stdout + done.stderr and "list" in done.stdout + done.stderr


def test_a_full_disk_loses_nothing(learner):
    """Every write of the tool fails: a file size limit of 0 stands for the full disk."""
    learner.write("week1/rms_norm.cpp", RMS_NORM)
    learner.learn("check", "norm.rms")
    state = (learner.folder / "progress/state.json").read_text(encoding="utf-8")
    shutil.rmtree(learner.folder / "build")
    command = f"ulimit -f 0; exec {BINARY} learn check norm.rms --json"
    with os.popen(f"TINYLLM_LEARNER={learner.folder} bash -c '{command}' 2>&1") as pipe:
        words = pipe.read()
    assert words.startswith("tinyllm: ") and words.count("\n") == 1, words
    assert (learner.folder / "progress/state.json").read_text(encoding="utf-8") == state
    assert (learner.folder / "code/week1/rms_norm.cpp").read_text(encoding="utf-8") == RMS_NORM


def test_a_disk_that_is_too_small_is_said_and_loses_nothing(tmp_path):
    """A real one of 300 kB: room for code and progress, not for a program."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", tmp_path], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("LACKS the right to mount a small tmpfs")
    try:
        learner = Learner(tmp_path)
        learner.write("week1/rms_norm.cpp", RMS_NORM)
        done = learner.learn("check", "norm.rms")
        assert done.returncode == 1 and "the disk is full: nothing could be written to" in done.stderr, done.stderr
        with open(tmp_path / "fill", "wb") as fill, pytest.raises(OSError):
            fill.write(bytes(400_000))
        state = learner.state()
        hint = learner.learn("hint", "norm.rms")
        assert hint.returncode == 1 and "state.json: cannot be written: No space left on device" in hint.stderr
        assert learner.state() == state
        assert (tmp_path / "code/week1/rms_norm.cpp").read_text(encoding="utf-8") == RMS_NORM
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_full_disk_behind_stdout_is_said(learner):
    with open("/dev/full", "w") as full:
        done = subprocess.run([str(BINARY), "learn", "list"], env=learner.env, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "cannot write to stdout: No space left on device" in done.stderr


def test_editors_get_what_they_need(learner):
    learner.learn("progress")
    commands = json.loads((learner.folder / "code/compile_commands.json").read_text(encoding="utf-8"))
    for entry in commands:
        assert subprocess.run([*entry["arguments"], "-fsyntax-only"], cwd=entry["directory"], check=False).returncode == 0
    settings = {}
    for name in ("launch", "tasks"):
        text = (learner.folder / f".vscode/{name}.json").read_text(encoding="utf-8")
        assert str(learner.folder) not in text, "the folder may be moved"
        settings[name] = json.loads(text.replace("${workspaceFolder}", str(learner.folder)))
    launch = settings["launch"]["configurations"]
    tasks = {task["label"]: task for task in settings["tasks"]["tasks"]}
    norm = next(one for one in launch if one["name"] == "debug norm.rms")
    learner.write("week1/rms_norm.cpp", RMS_NORM)
    build = tasks[norm["preLaunchTask"]]
    subprocess.run([build["command"], *build["args"]], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([norm["program"], *norm["args"]], check=True)


def test_the_ear_offers_bugs_that_one_may_take_for_another():
    bugs = tomllib.loads((ROOT / "course/ear.toml").read_text(encoding="utf-8"))["mutant"]
    ids = [bug["id"] for bug in bugs]
    assert len(ids) == len(set(ids)) >= 10
    for bug in bugs:
        assert len(set(bug["near"])) >= 3 and bug["id"] not in bug["near"] and set(bug["near"]) <= set(ids), bug["id"]


def test_debug_stops_in_the_learners_function_on_the_failing_case(learner, loop, tmp_path):
    if shutil.which("gdb") is None:
        pytest.skip("LACKS gdb: the debugger that learn debug starts")
    learner.write("week1/rms_norm.cpp", WRONG_RMS_NORM)
    terminal = loop("debug", "norm.rms")
    terminal.wait_for("three tiny numbers")
    terminal.wait_for("rms_norm.cpp:")
    terminal.type("print n\n")
    terminal.wait_for("= 3")
    terminal.type("kill\ny\nquit\n")
    assert terminal.exit_code() == 0


def test_without_model_and_network_the_loop_works_and_speak_says_what_is_missing(learner, tmp_path):
    nowhere = {"TINYLLM_HOME": str(tmp_path / "home"), "PIP_NO_INDEX": "1", "HOME": str(tmp_path)}
    loop = learner.learn(stdin="", **nowhere)
    assert loop.returncode == 0 and "expected red" in loop.stdout, loop.stderr
    assert "The tests work without it" in " ".join(loop.stderr.split())
    speak = learner.learn("speak", **nowhere)
    assert speak.returncode == 1 and "smollm2-135m" in speak.stderr


def test_a_half_written_file_tells_what_is_right_already(learner):
    text = other_way("index.strides")
    body = text.index("  if (n_dims == 0)")
    learner.write("week0/strides.cpp", text[:body].replace("\nvoid", '\n#include "base/lesson.h"\nvoid', 1)
                  + '  LESSON_TODO("index.strides");\n}\n')  # fmt: skip
    done = learner.learn("check", "index.strides")
    assert "5 cases are right already; code/week0/strides.cpp line" in " ".join(done.stdout.split()), done.stdout


def test_a_learner_may_start_at_any_day(learner):
    started = learner.learn("start", "1.4").stdout
    assert "Your way begins at day 1.4, RMSNorm and MLP; the next task is norm.rms." in started
    assert "3 tasks before it are open: the engine's own stands in for them" in started
    assert "> open   norm.rms" in learner.learn("list").stdout
    learner.solve("norm.rms", "week1/rms_norm.cpp")
    assert learner.check("norm.rms")["outcome"] == "green"
    assert "> open   index.strides" in learner.learn("list").stdout, "what was left out comes back"
    for day, words in (("9.9", "is not a day of the course"), ("2.1", "day 2.1 has no lesson yet")):
        refused = learner.learn("start", day)
        assert refused.returncode != 0 and words in refused.stderr
