#!/usr/bin/env python3
"""Pages and questions for `tinyllm rag eval`, from this project's own docs and course.

usage: bench/make_rag_questions.py FOLDER

FOLDER/pages gets the Markdown files of docs/ and course/, FOLDER/tuned.jsonl and FOLDER/held_out.jsonl the questions of
bench/rag_questions.py. Every passage must stand once in its page, else the script says which one does not: a page that was
rewritten needs its question looked at.
"""

import json
import shutil
import sys
from pathlib import Path

import rag_questions

ROOT = Path(__file__).resolve().parent.parent


def one_spaced(text):
    return " ".join(text.split())


def copy_pages(target):
    for part in ("docs", "course"):
        for page in sorted((ROOT / part).rglob("*.md")):
            copy = target / page.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(page, copy)


def write_questions(pages, questions, file):
    """Returns how many passages do not stand once in their page."""
    n_wrong = 0
    lines = []
    for name, rows in questions.items():
        text = one_spaced((pages / name).read_text())
        for question, passage in rows:
            if (n := text.count(one_spaced(passage))) != 1:
                print(f"{name}: stands {n} times, must once: {passage}", file=sys.stderr)
                n_wrong += 1
            lines.append(json.dumps({"question": question, "path": name, "passage": passage}) + "\n")
    file.write_text("".join(lines))
    return n_wrong


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.split("\n\n")[1])
    folder = Path(sys.argv[1])
    pages = folder / "pages"
    shutil.rmtree(pages, ignore_errors=True)
    copy_pages(pages)
    sets = {"tuned": rag_questions.TUNED, "held_out": rag_questions.HELD_OUT}
    n_wrong = sum(write_questions(pages, questions, folder / f"{name}.jsonl") for name, questions in sets.items())
    return 1 if n_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
