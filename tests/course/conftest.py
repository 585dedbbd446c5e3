import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from learner import BINARY, Learner, course_of_four  # noqa: E402


def pytest_sessionstart(session):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not built: run ./tiny test, or set TINYLLM_BIN", returncode=1)


@pytest.fixture
def learner(tmp_path):
    learner = Learner(tmp_path)
    learner.env["TINYLLM_COURSE"] = str(course_of_four(tmp_path / "course of four"))
    return learner
