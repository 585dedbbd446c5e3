"""llm: Simon Willison's command line with our server as an extra model. Usage: client.py BASE_URL MODEL"""

import os
import pathlib
import subprocess
import sys
import tempfile

BASE_URL, MODEL = sys.argv[1:]
PROGRAM = pathlib.Path(sys.executable).parent / "llm"
SETTINGS = f"""
- model_id: tiny
  model_name: {MODEL}
  api_base: {BASE_URL}
- model_id: tiny-completion
  model_name: {MODEL}
  api_base: {BASE_URL}
  completion: true
"""

with tempfile.TemporaryDirectory() as home:
    (pathlib.Path(home) / "extra-openai-models.yaml").write_text(SETTINGS)
    environment = {**os.environ, "LLM_USER_PATH": home, "OPENAI_API_KEY": "none"}

    def llm(*words):
        done = subprocess.run([PROGRAM, *words], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    question = ("What is the capital of France?", "-m", "tiny", "-o", "temperature", "0", "-o", "max_tokens", "40")
    streamed = llm(*question)
    assert "Paris" in streamed and llm(*question, "--no-stream") == streamed
    assert llm("-c", "And of Italy?", "-o", "max_tokens", "40").strip()  # goes on with the conversation that it logged
    assert "Paris" in llm("The capital of France is", "-m", "tiny-completion", "-o", "temperature", "0", "-o", "max_tokens", "8")
