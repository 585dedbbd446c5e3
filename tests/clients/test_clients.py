"""Each client in an environment of its own, with the version that the table of docs/serving.md names, unchanged and offline.

A folder here is one client: requirements.txt, and client.py, which ends with 0 when all went as a user would want it.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

HERE = Path(__file__).resolve().parent
CLIENTS = sorted(path.parent.name for path in HERE.glob("*/client.py"))
MODEL = "smollm2"
OFFLINE = {"HF_HUB_OFFLINE": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_PROXY": "127.0.0.1"}


@pytest.fixture(scope="module")
def server(start_server, smollm2):
    return start_server(smollm2, "--served-model-name", MODEL, "--max-num-seqs", 8)


def run_client(server, client, folder, *arguments):
    sys.path.insert(0, str(ROOT / "tools"))
    from run_tests import python_with

    python = python_with(f"tests/clients/{client}/requirements.txt")
    if python is None:
        pytest.skip(f"LACKS the packages of tests/clients/{client}: they could not be installed")
    environment = {**os.environ, **OFFLINE, "HOME": str(folder)}
    command = [python, HERE / client / "client.py", f"http://127.0.0.1:{server.port}/v1", MODEL, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    server.wait_until_idle()
    assert server.metric("vllm:request_success_total", finished_reason="error") == 0


@pytest.mark.parametrize("client", CLIENTS)
def test_client(server, client, tmp_path):
    run_client(server, client, tmp_path)


def test_aider_edits_a_file(start_server, qwen, tmp_path):
    run_client(start_server(qwen, "--served-model-name", MODEL, "--context", 4096), "aider", tmp_path, "edit")
