"""A learner in a folder of their own: writes code, calls `tinyllm learn`."""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "course"))
import make_tables  # noqa: E402

BINARY = pathlib.Path(os.environ.get("TINYLLM_BIN", ROOT / "build/release/tinyllm")).resolve()

RMS_NORM = """#include "kernels/cpu/scalar/rms_norm.h"
#include <cmath>
void tinyllm::scalar::rms_norm(const float* x, const float* weight, float* out, std::int64_t n, float eps) {
  float sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += x[i] * x[i];
  const float root = std::sqrt(sum / static_cast<float>(n) + eps);
  for (std::int64_t i = 0; i < n; ++i) out[i] = x[i] / root * weight[i];
}
"""


# The tasks of the course; tests that count them take the number from here.
TASKS = make_tables.tasks_of_course()
N_TASKS = len(TASKS)


def other_way(task):
    """The second correct implementation of a task."""
    return (ROOT / f"course/tasks/{task}/other.cpp").read_text(encoding="utf-8")


def page_of(folder):
    """The page of a day as the tool puts it together of the day's own part and those of its tasks."""
    text = (folder / "lesson.md").read_text(encoding="utf-8")
    day = folder.name.split("-")[0]
    parts = [ROOT / f"course/tasks/{task['id']}/lesson.md" for task in TASKS if task["day"] == day]
    return text.replace("<!-- tasks -->\n", "".join(part.read_text(encoding="utf-8") + "\n" for part in parts))


FIRST_TASKS = ["index.strides", "matmul.naive", "softmax.row", "norm.rms"]
FIRST_PAGES = ["week0/0.0-one-token", "week0/0.1-first-words", "week0/0.2-index-matmul-softmax", "week1/1.4-rms-norm"]


def course_of_four(folder):
    """The course as it began, with four tasks: what the tool says there stays the same whatever the course grows to."""
    for name in ["course.toml", "ear.toml", *FIRST_PAGES, *(f"tasks/{task}" for task in FIRST_TASKS)]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(ROOT / "course" / name)
    return folder


class Learner:
    def __init__(self, folder):
        self.folder = folder
        self.binary = BINARY
        self.env = {**os.environ, "TINYLLM_LEARNER": str(folder), "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        self.env.pop("NO_COLOR", None)

    def learn(self, *arguments, stdin="", timeout=120, **environment):
        return subprocess.run(
            [str(self.binary), "learn", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**self.env, **environment},
            check=False,
        )

    def write(self, file, text):
        path = self.folder / "code" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def solve(self, task, file):
        """Another correct implementation as the learner's file."""
        self.write(file, other_way(task))

    def check(self, task):
        """The result of one task as `--json` gives it."""
        done = self.learn("check", task, "--json")
        return json.loads(done.stdout)[0]

    def state(self):
        return json.loads((self.folder / "progress/state.json").read_text(encoding="utf-8"))
