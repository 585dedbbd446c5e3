"""The binary as its users call it. Needs pytest and the standard library only.

TINYLLM_BIN names another binary than build/release/tinyllm.
"""

import json
import os
import pathlib
import subprocess

import pytest
import toy_model
from running_server import RunningServer

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("TINYLLM_BIN", ROOT / "build/release/tinyllm")).resolve()
SMOLLM2_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


def real_home():
    if "TINYLLM_HOME" in os.environ:
        return pathlib.Path(os.environ["TINYLLM_HOME"])
    cache = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(cache) / "tinyllm"


def pytest_sessionstart(session):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not built: run ./tiny test, or set TINYLLM_BIN", returncode=1)


class Tinyllm:
    """Calls the binary with a home of its own, so that no test sees or touches the user's models."""

    def __init__(self, home):
        self.home = home
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("TINYLLM_", "HF_", "NO_COLOR"))}
        self.env.update(TINYLLM_HOME=str(home / "tinyllm"), HOME=str(home), TERM="xterm-256color", LC_ALL="C.UTF-8")
        self.env.pop("XDG_CACHE_HOME", None)

    def run(self, *arguments, stdin=b"", timeout=300, **options):
        stdin = stdin.encode() if isinstance(stdin, str) else stdin
        command = [str(BINARY), *map(str, arguments)]
        return subprocess.run(command, input=stdin, capture_output=True, timeout=timeout, env=self.env, **options)

    def text(self, *arguments, **options):
        """stdout of a call that must work and say nothing on stderr."""
        done = self.run(*arguments, **options)
        assert (done.returncode, done.stderr) == (0, b""), done
        return done.stdout.decode()

    def json(self, *arguments, **options):
        return json.loads(self.text(*arguments, **options))

    def failure(self, *arguments, code=1, **options):
        """The one line on stderr of a call that must fail with this exit code, with nothing on stdout."""
        done = self.run(*arguments, **options)
        assert (done.returncode, done.stdout) == (code, b""), done
        message = done.stderr.decode()
        assert message.startswith("tinyllm: ") and message.endswith("\n") and message.count("\n") == 1, message
        return message.removeprefix("tinyllm: ").removesuffix("\n")


@pytest.fixture(scope="session")
def start_server(tmp_path_factory):
    """start_server(model, *flags) -> RunningServer. All are stopped at the end of the session."""
    servers = []

    def start(model, *flags):
        home = tmp_path_factory.mktemp("server")
        command = [str(BINARY), "serve", "-m", str(model), *map(str, flags)]
        servers.append(RunningServer(command, Tinyllm(home).env, home / "log.txt").start())
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def fine_server(start_server, models):
    """Says "Fine é!" to every chat message, then ends."""
    return start_server(models["fine"], "--served-model-name", "fine", "--served-model-name", "alias")


@pytest.fixture(scope="session")
def loop_server(start_server, models):
    """Says the alphabet and a space for ever."""
    return start_server(models["loop"], "--served-model-name", "loop", "--max-num-seqs", 4, "--kv-blocks", 300)


@pytest.fixture
def tinyllm(tmp_path):
    return Tinyllm(tmp_path)


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Toy models: "fine" answers "Fine é!", "loop" says the alphabet for ever; "fine.gguf" is the first as GGUF."""
    folder = tmp_path_factory.mktemp("models")
    fine, loop = toy_model.spell("Fine é!"), toy_model.loop()
    return {
        "fine": toy_model.write_folder(folder / "fine", fine),
        "loop": toy_model.write_folder(folder / "loop", loop),
        "fine.gguf": toy_model.write_gguf(folder / "fine.gguf", fine),
        "base": toy_model.write_folder(folder / "base", fine, template=None),
        "no tokenizer": toy_model.write_folder(folder / "no-tokenizer", fine, tokenizer=False),
    }


@pytest.fixture(scope="session")
def smollm2():
    path = real_home() / "models" / SMOLLM2_FILE
    if not path.exists():
        pytest.skip(f"LACKS the real model {path}: run 'tinyllm pull smollm2-135m'")
    return path
