"""aider: a question about a file, whole and streamed; with a model that writes code also an edit. Usage: client.py BASE_URL MODEL [edit]"""

import os
import pathlib
import subprocess
import sys
import tempfile

BASE_URL, MODEL, *EDIT = sys.argv[1:]
PROGRAM = pathlib.Path(sys.executable).parent / "aider"
QUIET = "--no-git --no-check-update --no-show-model-warnings --no-show-release-notes --analytics-disable --no-pretty".split()
SETTINGS = f"- name: openai/{MODEL}\n  extra_params: {{max_tokens: 300, temperature: 0}}\n"


def aider(folder, *words):
    environment = {**os.environ, "HOME": str(folder), "OPENAI_API_BASE": BASE_URL, "OPENAI_API_KEY": "none"}
    command = [PROGRAM, "--model", f"openai/{MODEL}", *QUIET, "--map-tokens", "0", "--yes-always", "--no-auto-lint"]
    command += ["--model-settings-file", "settings.yml", *words, "calc.py"]
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600
    )  # fmt: skip
    assert done.returncode == 0, done
    return done.stdout


with tempfile.TemporaryDirectory() as home:
    folder = pathlib.Path(home)
    (folder / "calc.py").write_text("def add(a, b):\n    return a + b\n")
    (folder / "settings.yml").write_text(SETTINGS)
    if EDIT:
        words = "Add a function sub(a, b) that returns a - b to calc.py"
        assert "Applied edit to" in aider(folder, "--edit-format", "whole", "--message", words)
        # A small model may name the file otherwise; aider writes what it says.
        assert any("def sub(a, b)" in path.read_text() for path in folder.glob("*.py"))
    else:
        for how in ("--stream", "--no-stream"):
            answer = aider(folder, how, "--edit-format", "ask", "--message", "What is the capital of France?")
            assert "Paris" in answer, answer
