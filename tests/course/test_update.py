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
    text = text.replace("version = 1", "version = 2", 1)
    at = text.index("contract = 1", text.index('id = "norm.rms"'))
    return text[:at] + 'contract = 2\ncontract_changes = ["eps comes last"]' + text[at + len("contract = 1") :]


def test_a_new_version_comes_in_and_work_stays(clone):
    clone.write("week1/rms_norm.cpp", RMS_NORM)
    assert clone.tiny("learn", "check", "norm.rms").returncode == 0
    write(clone.folder / "sessions/week1/mine.md", "my words\n")
    clone.publish("Norms: clearer words", {"course/course.toml": version_2, "course/week1/new.md": lambda _: "new\n"})
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
    row = "| 1.2 | RoPE | no lesson yet | 0.0 | Learning |  |  |  |  |"
    mine = row.replace("Learning", "Mastery")
    write(clone.folder / TRACKER, clone.text(TRACKER).replace(row, mine))
    clone.publish("Tracker", {TRACKER: lambda text: text.replace(row, row.replace("RoPE", "Turning pairs"))
                              .replace("Three lines a week", "Four lines a week")})  # fmt: skip
    done = clone.tiny("learn", "update", "--yes")
    assert done.returncode == 0, words(done)
    assert f"{TRACKER}: you and the course changed the same lines. There yours stand" in words(done)
    assert mine in clone.text(TRACKER) and "Four lines a week" in clone.text(TRACKER)
    assert "Turning pairs" not in clone.text(TRACKER) and "<<<<" not in clone.text(TRACKER)
    assert not clone.git("status", "--porcelain", "--untracked-files=no")


def test_no_command_changes_a_file_that_git_knows(clone):
    for command in (["progress"], ["list"], ["day", "1.4", "--plain"]):
        clone.learn(*command, stdin="")
        assert clone.git("status", "--porcelain", "--untracked-files=no") == "", command
    assert (clone.folder / "progress/my-tracker.md").exists()


def test_a_file_that_the_course_drops_or_adds_stays_the_learners(clone):
    write(clone.folder / "notes/cards/rope.md", "my card\n")
    write(clone.folder / "notes/cards/matmul.md", "mine as well\n")
    clone.publish("Cards", {"notes/cards/rope.md": lambda _: "the course's card\n"})
    (clone.course / "notes/cards/matmul.md").unlink()
    clone.publish("One card less", {})
    done = clone.tiny("learn", "update", "--yes")
    assert done.returncode == 0, words(done)
    assert clone.text("notes/cards/rope.md") == "my card\n" and clone.text("notes/cards/matmul.md") == "mine as well\n"
    assert not clone.git("status", "--porcelain", "--untracked-files=no")


def unchanged(clone, done, code, part):
    """It refused, said why in one line, and left branch and files alone."""
    assert done.returncode == code and part in words(done), words(done)
    assert done.stderr.count("\n") == 1, done.stderr
    assert not clone.git("ls-files", "--unmerged")
    assert not (clone.folder / ".git/MERGE_HEAD").exists()


def test_an_engine_file_that_both_changed_stops_the_merge(clone):
    file = "src/kernels/cpu/scalar/rms_norm.cpp"
    first = clone.text(file).splitlines()[0]
    write(clone.folder / file, clone.text(file).replace(first, "// mine", 1))
    clone.git("commit", "--quiet", "--all", "--message", "Mine")
    clone.is_built()
    before = clone.git("rev-parse", "HEAD")
    clone.publish("Theirs", {file: lambda text: text.replace(first, "// theirs", 1)})
    unchanged(clone, clone.tiny("learn", "update", "--yes"), 2, f"changed the same lines of {file}, so nothing was merged")
    assert clone.git("rev-parse", "HEAD") == before and clone.text(file).startswith("// mine")


def test_work_outside_of_the_own_folders_is_not_touched(clone):
    clone.publish("New", {"course/week1/new.md": lambda _: "new\n"})
    write(clone.folder / "src/base/lesson.h", "// tried something\n")
    clone.is_built()
    unchanged(clone, clone.tiny("learn", "update", "--yes"), 2, "not committed: src/base/lesson.h")
    assert clone.text("src/base/lesson.h") == "// tried something\n"
    clone.git("restore", "src/base/lesson.h")
    clone.is_built()
    write(clone.folder / "course/week1/new.md", "mine, by chance of the same name\n")
    unchanged(clone, clone.tiny("learn", "update", "--yes"), 1, "git would not merge, and nothing is changed")
    assert clone.text("course/week1/new.md") == "mine, by chance of the same name\n"


def test_without_network_branch_or_remote_it_says_what_to_do(clone):
    clone.git("remote", "set-url", "origin", str(clone.folder / "nowhere"))
    unchanged(clone, clone.tiny("learn", "update"), 1, "cannot reach origin")
    clone.git("remote", "remove", "origin")
    unchanged(clone, clone.tiny("learn", "update"), 2, "git knows no remote 'origin'")
    clone.git("switch", "--quiet", "--detach")
    unchanged(clone, clone.tiny("learn", "update"), 2, "you are on no branch")


def test_a_merge_under_way_is_left_to_the_person(clone):
    clone.git("commit", "--quiet", "--allow-empty", "--message", "Mine")
    clone.publish("New", {"course/week1/new.md": lambda _: "new\n"})
    clone.git("fetch", "--quiet")
    clone.git("merge", "--no-commit", "--no-ff", "origin/main")
    done = clone.tiny("learn", "update")
    assert done.returncode == 2 and "a merge is under way here" in words(done)
    assert (clone.folder / ".git/MERGE_HEAD").exists()


def test_a_download_without_git_is_told_how(clone):
    subprocess.run(["rm", "-rf", str(clone.folder / ".git")], check=True)
    done = clone.tiny("learn", "update")
    assert done.returncode == 0 and "This folder is not a git repository" in words(done)
