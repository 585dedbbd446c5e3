"""A learner in a folder of their own: writes code, calls `tinyllm learn`."""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
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
        self.write(file, (ROOT / "course/alternatives" / f"{task}.cpp").read_text(encoding="utf-8"))

    def check(self, task):
        """The result of one task as `--json` gives it."""
        done = self.learn("check", task, "--json")
        return json.loads(done.stdout)[0]

    def state(self):
        return json.loads((self.folder / "progress/state.json").read_text(encoding="utf-8"))
