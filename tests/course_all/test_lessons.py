"""Lessons keep their word: commands run and print what is shown, contracts stand in the headers, links lead somewhere."""

import os
import re
import subprocess

import pytest
from learner import BINARY, ROOT, page_of

LESSONS = sorted((ROOT / "course").glob("week*/*/lesson.md"))
PAGES = [*LESSONS, *sorted((ROOT / "course").glob("tasks/*/lesson.md")), ROOT / "course/README.md", ROOT / "docs/origins.md", ROOT / "CLAUDE.md", ROOT / "AGENTS.md"]
PAGES += [ROOT / "notes/README.md", ROOT / "code/README.md", ROOT / "exercises/README.md"]


def blocks(text):
    """(language, lines) of each fence, and ("test", words) of each comment for this test, in order."""
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$|^<!-- test: (.*?) -->$", text, re.MULTILINE | re.DOTALL):
        yield ("test", match.group(3).split()) if match.group(3) else (match.group(1), match.group(2).splitlines())


def run_console(learner, lines):
    """Runs each `$ command`; the lines below it must come in what it prints, in this order; "..." is anything."""
    at = 0
    while at < len(lines):
        assert lines[at].startswith("$ "), lines[at]
        command, _, wanted_code = lines[at][2:].partition("   # exit ")
        wanted = []
        for line in lines[at + 1 :]:
            if line.startswith("$ "):
                break
            wanted.append(line)
        at += 1 + len(wanted)
        # The script builds first; here that is done, so that its commands go to the binary.
        command = re.sub(r"\./tiny (?!doctor)", f"{BINARY} ", command)
        done = subprocess.run(command, shell=True, cwd=ROOT, env=learner.env, capture_output=True, text=True, timeout=180)
        output = done.stdout + done.stderr
        assert done.returncode == int(wanted_code or 0), f"{command}\n{output}"
        place = 0
        for part in (part.strip() for line in wanted for part in line.split("...")):
            assert part in output[place:], f"{command}\nshould print {part!r}, prints\n{output}"
            place = output.index(part, place)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.parent.name)
def test_commands_of_a_lesson_run_and_print_what_is_shown(learner, lesson):
    n_run = 0
    for kind, content in blocks(page_of(lesson.parent)):
        if kind == "test" and content[0] == "solve":
            learner.solve(content[1], content[2].removeprefix("code/"))
        elif kind == "console":
            run_console(learner, content)
            n_run += 1
    assert n_run > 0


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.parent.name)
def test_contracts_of_a_lesson_stand_in_the_headers(lesson):
    for kind, lines in blocks(page_of(lesson.parent)):
        if kind != "cpp":
            continue
        header = (ROOT / lines[0].removeprefix("// ")).read_text(encoding="utf-8")
        assert "\n".join(lines[1:]) in header, lines[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_files_of_a_page_exist(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), target
    for name in re.findall(r"`((?:src|course|notes|docs|tests|progress|sessions|exercises)/[\w./-]+\.\w+)`", text):
        assert (ROOT / name).exists(), name


def test_every_lesson_has_the_parts_that_a_learner_looks_for():
    for lesson in LESSONS:
        text = page_of(lesson.parent)
        wanted = ["## Explain it back", "<details>", "## Next"]
        if (lesson.parent / "here.svg").exists():
            wanted.append("(here.svg)")
        if "LESSON_TODO" in text:
            wanted += ["## Why", "## Predict first", "## Contract", "Worked by hand", "## Expected red", "## Do it",
                       "## Green means", "## Hard tier", "## What vLLM and llama.cpp do differently"]  # fmt: skip
        if lesson.parent.parent.name == "week1":
            wanted += ["## You will be able to", "## Invariants", "## Checkpoint", "## History"]
            assert 1200 <= len(re.sub(r"```.*?```", "", text, flags=re.DOTALL).split()) <= 2000, lesson
            assert len(re.findall(r"\]\(https://", text.split("## History")[1])) >= 3, f"{lesson}: papers"
        for part in wanted:
            assert part in text, f"{lesson}: {part}"


def test_every_command_of_the_tool_that_a_page_names_exists():
    commands = subprocess.run([str(BINARY), "learn", "--help"], capture_output=True, text=True).stdout
    inner = {"record", "hear", "gates"}
    for page in PAGES:
        for word in re.findall(r"(?:\./tiny|tinyllm) learn ([a-z]+)", page.read_text(encoding="utf-8")):
            assert word in inner or re.search(rf"^  {word} ", commands, re.MULTILINE), f"{page}: learn {word}"


def test_tables_are_what_the_course_holds():
    done = subprocess.run(["python3", "course/make_tables.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_figures_are_what_their_script_draws():
    done = subprocess.run(["python3", "course/make_figures.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_pages_name_no_place_of_one_machine():
    home = os.path.expanduser("~")
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert home not in text and "/tmp" not in text, page


def test_a_planted_fault_of_a_lesson_is_noticed(learner, tmp_path):
    """G8 can fail: a line that is not printed, an exit code that is another, a link to nowhere."""
    with pytest.raises(AssertionError, match="should print"):
        run_console(learner, ["$ ./tiny learn list", "  > open   index.strides", "a line of another version"])
    with pytest.raises(AssertionError):
        run_console(learner, ["$ ./tiny learn list   # exit 1"])
    page = tmp_path / "planted.md"
    page.write_text("[away](nowhere.md)", encoding="utf-8")
    with pytest.raises(AssertionError, match="nowhere.md"):
        test_links_and_files_of_a_page_exist(page)
