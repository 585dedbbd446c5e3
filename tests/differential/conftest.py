"""tiny-llm against the reference libraries: cases of the issues, and random ones. Needs build/release/answer_cases."""

import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("TINYLLM_SHARED_CASES", ROOT.parent / "shared/cases"))


def find_shared():
    """The folder of the cases: beside the checkout, or beside the folder of its worktrees."""
    for folder in (SHARED, ROOT.parent.parent / "shared/cases"):
        if folder.is_dir():
            return folder
    return None


@pytest.fixture(scope="session")
def shared_cases():
    folder = find_shared()
    if folder is None:
        pytest.skip(f"LACKS the shared cases: {SHARED} is not there")
    return folder


class Answers:
    """One process of answer_cases: a request a line, an answer a line."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"answer_cases died of {json.dumps(request)[:2000]}"
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


@pytest.fixture(scope="session")
def answers():
    program = ROOT / "build/release/answer_cases"
    if not program.exists():
        pytest.exit(f"{program} is not built: run ./tiny test", returncode=1)
    answers = Answers(program)
    yield answers
    answers.close()


def how_many(short, long):
    """The size of a random test: --all runs the short part, --long all of it."""
    return long if os.environ.get("TINYLLM_LONG") else short
