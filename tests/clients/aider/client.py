"""aider: a question about a file, answered whole and streamed. Usage: client.py BASE_URL MODEL

Only questions: a model of this size does not write the edits that aider reads.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

BASE_URL, MODEL = sys.argv[1:]
PROGRAM = pathlib.Path(sys.executable).parent / "aider"
QUIET = "--no-git --no-check-update --no-show-model-warnings --no-show-release-notes --analytics-disable --no-pretty".split()
SETTINGS = f"- name: openai/{MODEL}\n  extra_params: {{max_tokens: 200, temperature: 0}}\n"

with tempfile.TemporaryDirectory() as home:
    folder = pathlib.Path(home)
    (folder / "calc.py").write_text("def add(a, b):\n    return a + b\n")
    (folder / "settings.yml").write_text(SETTINGS)
    environment = {**os.environ, "HOME": home, "OPENAI_API_BASE": BASE_URL, "OPENAI_API_KEY": "none"}
    for how in ("--stream", "--no-stream"):
        command = [PROGRAM, "--model", f"openai/{MODEL}", *QUIET, how, "--map-tokens", "0", "--yes-always", "--edit-format", "ask"]
        command += ["--model-settings-file", "settings.yml", "--message", "What is the capital of France?", "calc.py"]
        done = subprocess.run(
            command, cwd=home, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
        )  # fmt: skip
        assert done.returncode == 0 and "Paris" in done.stdout, done
