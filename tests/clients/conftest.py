"""Programs of others as clients of a server with SmolLM2; servers and models are those of tests/e2e."""

import importlib.util
import sys
from pathlib import Path

import pytest

E2E = Path(__file__).resolve().parents[1] / "e2e"
sys.path.insert(0, str(E2E))

_spec = importlib.util.spec_from_file_location("e2e_conftest", E2E / "conftest.py")
_e2e = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_e2e)

ROOT = _e2e.ROOT
start_server, smollm2 = _e2e.start_server, _e2e.smollm2
pytest_sessionstart = _e2e.pytest_sessionstart


@pytest.fixture(scope="session")
def qwen():
    path = _e2e.real_home() / "models/Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf"
    if not path.exists():
        pytest.skip(f"LACKS the real model {path}: run 'tinyllm pull qwen2.5-coder-1.5b'")
    return path
