#!/usr/bin/env python3
"""Writes the tables of course/README.md from course.toml, the lessons that are there and tasks/*/task.toml. `--check` compares."""

import re
import sys
import tomllib
from pathlib import Path

COURSE = Path(__file__).resolve().parent
README = COURSE / "README.md"


def read_toml(file):
    return tomllib.loads(file.read_text(encoding="utf-8"))


def tasks_of_course():
    """Each task.toml with its id, in the order of the course."""
    days = [day["id"] for day in read_toml(COURSE / "course.toml")["day"]]
    tasks = [{"id": file.parent.name, **read_toml(file)} for file in COURSE.glob("tasks/*/task.toml")]
    return sorted(tasks, key=lambda task: (days.index(task["day"]), task["place"]))


def row(*cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |\n"


def path_table():
    text = row("day", "topic", "in the engine", "lesson") + "|---|---|---|---|\n"
    for day in read_toml(COURSE / "course.toml")["day"]:
        pages = sorted(COURSE.glob(f"week*/{day['id']}-*/lesson.md"))
        lesson = f"[written]({pages[0].relative_to(COURSE)})" if pages else "not yet"
        text += row(day["id"], day["title"], day["engine"], lesson)
    return text


def task_table():
    tasks = tasks_of_course()
    text = row("day", "task", "what you write", "your file", "minutes") + "|---|---|---|---|---|\n"
    for task in tasks:
        text += row(task["day"], f"[{task['id']}](tasks/{task['id']}/lesson.md)", task["title"],
                    f"`code/{task['learner_file']}`", task["minutes"])  # fmt: skip
    minutes = sum(task["minutes"] for task in tasks)
    return text + f"\n{len(tasks)} tasks, {minutes} minutes by estimate; reading comes on top.\n"


def with_table(text, name, table):
    begin, end = f"<!-- {name}: written by make_tables.py -->\n", f"<!-- {name}: end -->\n"
    assert begin in text and end in text, name
    return re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: begin + table + end, text, flags=re.DOTALL)


def main():
    before = README.read_text(encoding="utf-8")
    text = with_table(with_table(before, "path", path_table()), "tasks", task_table())
    if "--check" not in sys.argv:
        README.write_text(text, encoding="utf-8")
    elif text != before:
        sys.exit("course/README.md: its tables are not what the course holds; run course/make_tables.py")


if __name__ == "__main__":
    main()
