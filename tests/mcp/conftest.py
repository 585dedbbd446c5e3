"""chat and serve with servers of tools that the official `mcp` package runs; models and fixtures are those of tests/e2e."""

import importlib.util
import sys
from pathlib import Path

E2E = Path(__file__).resolve().parents[1] / "e2e"
sys.path.insert(0, str(E2E))

_spec = importlib.util.spec_from_file_location("e2e_conftest", E2E / "conftest.py")
_e2e = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_e2e)

tinyllm = _e2e.tinyllm
start_server = _e2e.start_server
pytest_sessionstart = _e2e.pytest_sessionstart
