"""`learn update` in a real clone: work is committed, a new version merged, and nothing is ever lost."""

import subprocess

import pytest
from clone import Clone, write
from learner import RMS_NORM

TRACKER = "progress/tiny-llm-tracker.md"


@pytest.fixture
def clone(tmp_path):
    return Clone(tmp_path)


def words(done):
    return " ".join((done.stdout + done.stderr).split())


def version_2(text):
    return text.replace("version = 1", "version = 2", 1)


def contract_2(text):
    return text.replace("contract = 1", 'contract = 2\ncontract_changes = ["eps comes last"]')


def test_a_new_version_comes_in_and_work_stays(clone):
    clone.write("week1/rms_norm.cpp", RMS_NORM)
    assert clone.tiny("learn", "check", "norm.rms").returncode == 0
    write(clone.folder / "sessions/week1/mine.md", "my words\n")
    clone.publish("Norms: clearer words", {"course/course.toml": version_2, "course/week1/new.md": lambda _: "new\n",
                                             "course/tasks/norm.rms/task.toml": contract_2})  # fmt: skip
    refused = clone.tiny("learn", "update")
    assert refused.returncode == 2 and "your work must be committed first" in words(refused)
    assert not clone.git("log", "--format=%s", "HEAD..").strip() and clone.git("status", "--porcelain") != ""
    done = clone.tiny("learn", "update", "--yes")
    said = words(done)
    assert done.returncode == 0, said
    for part in ("origin/main has 1 new commit(s)", "Norms: clearer words", "Committed on mine as 'My work",
                 "Merged. To go back: git reset --keep", "the course is version 2 now (yours was 1)",
                 "norm.rms: contract v2: eps comes last", "code/week1/rms_norm.cpp: yours is kept as it is",
                 "Your code and your progress are as they were."):  # fmt: skip
        assert part in said, said
    assert clone.text("code/week1/rms_norm.cpp") == RMS_NORM and clone.text("sessions/week1/mine.md") == "my words\n"
    assert clone.text("course/week1/new.md") == "new\n"
    assert clone.state()["tasks"]["norm.rms"]["green"] is True
    assert clone.git("branch", "--show-current") == "mine"
    assert "origin/main: nothing new." in words(clone.tiny("learn", "update", "--yes"))


def test_lines_that_both_changed_stay_the_learners_and_the_rest_comes(clone):
    row = "| 1.6 | Generating text | no lesson yet | 0.0 | Learning |  |  |  |  |"
    mine = row.replace("Learning", "Mastery")
    write(clone.folder / TRACKER, clone.text(TRACKER).replace(row, mine))
    clone.publish("Tracker", {TRACKER: lambda text: text.replace(row, row.replace("Generating text", "Word after word"))
                              .replace("Three lines a week", "Four lines a week")})  # fmt: skip
    done = clone.tiny("learn", "update", "--yes")
    assert done.returncode == 0, words(done)
    assert f"{TRACKER}: you and the course changed the same lines. There yours stand" in words(done)
    assert mine in clone.text(TRACKER) and "Four lines a week" in clone.text(TRACKER)
    assert "Word after word" not in clone.text(TRACKER) and "<<<<" not in clone.text(TRACKER)
    assert not clone.git("status", "--porcelain", "--untracked-files=no")


def test_no_command_changes_a_file_that_git_knows(clone):
    for command in (["progress"], ["list"], ["day", "1.4", "--plain"]):
        clone.learn(*command, stdin="")
        assert clone.git("status", "--porcelain", "--untracked-files=no") == "", command
    assert (clone.folder / "progress/my-tracker.md").exists()


def test_a_file_that_the_course_drops_or_adds_stays_the_learners(clone):
    clone.publish("A card", {"notes/cards/norms.md": lambda _: "a card of the course\n" * 9})
    assert clone.tiny("learn", "update", "--yes").returncode == 0
    mine = "a card of the course\n" * 9 + "mine as well\n"
    write(clone.folder / "notes/cards/rope.md", "my card\n")
    write(clone.folder / "notes/cards/norms.md", mine)
    clone.publish("Cards", {"notes/cards/rope.md": lambda _: "the course's card\n"})
    # Moved: git would take the learner's words along into the course's folder.
    (clone.course / "notes/cards/norms.md").rename(clone.course / "course/norms.md")
    clone.publish("One card less", {})
    done = clone.tiny("learn", "update", "--yes")
    assert done.returncode == 0, words(done)
    assert clone.text("notes/cards/rope.md") == "my card\n" and clone.text("notes/cards/norms.md") == mine
    assert clone.text("course/norms.md") == "a card of the course\n" * 9
    assert not clone.git("status", "--porcelain", "--untracked-files=no")


def test_what_an_earlier_version_wrote_follows_the_course(clone):
    """Cards come where there is none, and the debugger finds the goldens, which lay elsewhere."""
    launch = '{"args": ["learn", "run-tests", "norm.rms", "${workspaceFolder}/course/golden/norm.rms.json", "mine"]}'
    write(clone.folder / ".vscode/launch.json", launch)
    write(clone.folder / "notes/cards/softmax.md", "my softmax\n")
    clone.learn("progress")
    assert clone.text(".vscode/launch.json") == launch.replace("golden/norm.rms.json", "tasks/norm.rms/golden.json")
    assert clone.text("notes/cards/softmax.md") == "my softmax\n"
    assert clone.text("notes/cards/rms-norm.md") == clone.text("course/tasks/norm.rms/card.md")
