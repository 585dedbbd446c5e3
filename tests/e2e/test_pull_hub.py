"""`tinyllm pull ORG/REPO[:FILE]` against a hub of our own on the loopback interface."""

import hashlib
import json
import random
import resource
import signal
import subprocess
import time

import pytest
from conftest import BINARY
from fake_hub import REVISION, FakeHub, git_blob, silent_port

REPO = "Org/Model-GGUF"
FILE = "model-q4_k_m.gguf"
CONTENT = random.Random(1).randbytes(300_000)


@pytest.fixture
def hub(tinyllm):
    with FakeHub() as hub:
        hub.repos[REPO] = {"README.md": b"about", FILE: CONTENT}
        tinyllm.env.update(HF_ENDPOINT=hub.address, no_proxy="127.0.0.1")
        yield hub


def models(tinyllm):
    return tinyllm.home / "tinyllm/models"


def files(folder):
    """All but the records of where they came from."""
    found = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if not path.endswith(".origin"))


def start(tinyllm, *arguments):
    return subprocess.Popen(
        [BINARY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=tinyllm.env
    )


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


def test_a_gguf_file_comes_whole_and_once(tinyllm, hub):
    path = models(tinyllm) / REPO / FILE
    assert tinyllm.text("pull", REPO) == f"{path}\n"
    assert path.read_bytes() == CONTENT
    assert tinyllm.text("pull", f"{REPO}:Q4_K_M") == f"{path}\n"
    assert len(hub.file_requests()) == 1
    assert files(models(tinyllm)) == [f"{REPO}/{FILE}"]


OTHER = random.Random(2).randbytes(len(CONTENT))
NEWER = "f" * 40


def test_a_record_beside_each_file_names_source_revision_and_digest(tinyllm, hub):
    hub.repos["Org/Safe"] = {"config.json": b"{}", "model.safetensors": CONTENT}
    tinyllm.text("pull", "Org/Safe")
    folder = models(tinyllm) / "Org/Safe"
    assert json.loads((folder / "model.safetensors.origin").read_text()) == {
        "source": "Org/Safe", "revision": REVISION, "sha256": hashlib.sha256(CONTENT).hexdigest()
    }  # fmt: skip
    assert json.loads((folder / "config.json.origin").read_text()) == {
        "source": "Org/Safe", "revision": REVISION, "git_blob": git_blob(b"{}")
    }  # fmt: skip
    assert tinyllm.run("rm", "-y", "Org/Safe").returncode == 0
    assert not folder.exists()


def test_new_weights_of_equal_size_are_fetched(tinyllm, hub):
    path = models(tinyllm) / REPO / FILE
    tinyllm.text("pull", REPO)
    hub.repos[REPO][FILE], hub.revision = OTHER, NEWER
    assert tinyllm.text("pull", REPO) == f"{path}\n"
    assert path.read_bytes() == OTHER
    assert json.loads((path.parent / f"{FILE}.origin").read_text())["revision"] == NEWER


@pytest.mark.parametrize("content, n_fetched", [(CONTENT, 0), (OTHER, 1)], ids=["the same", "another"])
def test_a_file_without_a_record_is_read_once(tinyllm, hub, content, n_fetched):
    path = models(tinyllm) / REPO / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    tinyllm.text("pull", REPO)
    assert path.read_bytes() == CONTENT and len(hub.file_requests()) == n_fetched
    assert (path.parent / f"{FILE}.origin").exists()


def test_without_digests_a_new_revision_is_fetched(tinyllm, hub):
    hub.lists_digests = False
    for revision, n_fetched in [(REVISION, 1), (REVISION, 1), (NEWER, 2)]:
        hub.revision = revision
        assert tinyllm.run("pull", REPO).returncode == 0
        assert len(hub.file_requests()) == n_fetched


def test_revisions_are_not_mixed(tinyllm, hub):
    """A pull that breaks between two files leaves the model of before, whole."""
    old = {"config.json": b"{}", "model.safetensors": CONTENT}
    hub.repos["Org/Safe"] = dict(old)
    tinyllm.text("pull", "Org/Safe")
    hub.repos["Org/Safe"] = {"config.json": b"[]", "model.safetensors": OTHER}
    hub.served["config.json"] = b"()"
    assert "git blob is" in tinyllm.failure("pull", "Org/Safe")
    folder = models(tinyllm) / "Org/Safe"
    assert {name: (folder / name).read_bytes() for name in old} == old
    hub.served.clear()
    hub.requests.clear()
    tinyllm.text("pull", "Org/Safe")
    assert {name: (folder / name).read_bytes() for name in old} == hub.repos["Org/Safe"]
    assert len(hub.file_requests("model.safetensors")) == 0  # it had come already
    assert files(folder) == ["config.json", "model.safetensors"]


@pytest.mark.parametrize("revision", ["a" * 40, "v1.0", "refs/pr/3"])
@pytest.mark.parametrize("choice", ["", ":Q4_K_M"])
def test_a_revision_by_name(tinyllm, hub, revision, choice):
    hub.older[revision] = {REPO: {FILE: OTHER}}
    path = models(tinyllm) / REPO / FILE
    assert tinyllm.text("pull", f"{REPO}{choice}@{revision}") == f"{path}\n"
    assert path.read_bytes() == OTHER
    tinyllm.text("pull", REPO)
    assert path.read_bytes() == CONTENT


def test_an_unknown_revision_is_named(tinyllm, hub):
    assert tinyllm.failure("pull", f"{REPO}@v9").startswith(f"{REPO}@v9: not found at")
    for wrong in ("@", "@../x", "@-x"):
        assert "no model of this name to pull" in tinyllm.failure("pull", REPO + wrong)


def test_verify_says_what_is_no_longer_what_was_fetched(tinyllm, hub):
    path = models(tinyllm) / REPO / FILE
    tinyllm.text("pull", REPO)
    hub.requests.clear()
    assert tinyllm.text("pull", "--verify", REPO) == f"{path}: as in {REPO}@{REVISION[:12]}\n"
    path.write_bytes(OTHER)
    done = tinyllm.run("pull", "--verify", REPO)
    assert (done.returncode, done.stdout.decode()) == (1, f"{path}: differs from {REPO}@{REVISION[:12]}\n")
    assert done.stderr.decode().startswith(f"tinyllm: {REPO}: 1 of 1 files is not what was fetched; `")
    assert hub.requests == []
    tinyllm.text("pull", REPO)
    assert path.read_bytes() == CONTENT
    (path.parent / f"{FILE}.origin").unlink()
    assert b": no record of its digest" in tinyllm.run("pull", "--verify", REPO).stdout
    assert "no such model here" in tinyllm.failure("pull", "--verify", "Org/Nothing")


def test_a_file_without_a_listed_size_has_a_bound(tinyllm, hub):
    hub.repos["Org/Safe"] = {"config.json": bytes(65 << 20), "model.safetensors": CONTENT}
    hub.listed_bytes["config.json"] = hub.listed_bytes["model.safetensors"] = None
    assert tinyllm.failure("pull", "Org/Safe") == (
        "Org/Safe/config.json: the hub does not say how large it is, and it has more than 67108864 bytes"
    )
    assert files(models(tinyllm)) == ["Org/Safe/model.safetensors"]


def test_an_empty_token_is_not_sent_and_a_given_one_is(tinyllm, hub):
    tinyllm.text("pull", REPO)
    assert all("authorization" not in headers for _, headers in hub.requests)
    hub.token = tinyllm.env["HF_TOKEN"] = "hf_secret"
    hub.requests.clear()
    (models(tinyllm) / REPO / FILE).unlink()
    tinyllm.text("pull", REPO)
    assert {headers["authorization"] for _, headers in hub.requests} == {"Bearer hf_secret"}


def test_broken_connections_are_taken_up_again(tinyllm, hub):
    hub.cut_after[FILE] = [100_000, 100_000]
    tinyllm.text("pull", REPO)
    assert (models(tinyllm) / REPO / FILE).read_bytes() == CONTENT
    ranges = [headers.get("range") for headers in hub.file_requests()]
    assert ranges == [None, "bytes=100000-", "bytes=200000-"]


def test_a_later_pull_goes_on_where_one_failed(tinyllm, hub):
    hub.cut_after[FILE] = [123_456, 0, 0, 0]
    message = tinyllm.failure("pull", REPO)
    assert message.startswith(f"{REPO}/{FILE}: the connection broke at byte 123456 of 300000 (")
    assert files(models(tinyllm)) == [f"{REPO}/{FILE}.part"]
    hub.requests.clear()
    tinyllm.text("pull", REPO)
    assert (models(tinyllm) / REPO / FILE).read_bytes() == CONTENT
    assert [headers.get("range") for headers in hub.file_requests()] == ["bytes=123456-"]


def test_a_server_without_ranges_starts_over(tinyllm, hub):
    hub.knows_ranges = False
    hub.cut_after[FILE] = [100_000]
    tinyllm.text("pull", REPO)
    assert (models(tinyllm) / REPO / FILE).read_bytes() == CONTENT


@pytest.mark.parametrize("n_bytes", [1000, len(CONTENT), len(CONTENT) + 5])
def test_what_is_left_of_another_revision_is_replaced(tinyllm, hub, n_bytes):
    part = models(tinyllm) / REPO / f"{FILE}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * n_bytes)
    assert tinyllm.run("pull", REPO).returncode == 0
    assert (models(tinyllm) / REPO / FILE).read_bytes() == CONTENT
    assert not part.exists()


def test_wrong_bytes_are_not_kept(tinyllm, hub):
    hub.served[FILE] = CONTENT[:-1] + b"!"
    assert f"{REPO}/{FILE}: sha256 is " in tinyllm.failure("pull", REPO)
    assert files(models(tinyllm)) == []


def test_a_wrong_small_file_is_noticed_too(tinyllm, hub):
    hub.repos["Org/Safe"] = {"config.json": b"{}", "model.safetensors": CONTENT}
    hub.served["config.json"] = b"[]"
    assert "Org/Safe/config.json: git blob is " in tinyllm.failure("pull", "Org/Safe")
    assert files(models(tinyllm)) == ["Org/Safe/model.safetensors"]  # no model without its config.json


def test_more_bytes_than_listed_are_refused(tinyllm, hub):
    hub.listed_bytes[FILE] = 1000
    assert tinyllm.failure("pull", REPO) == f"{REPO}/{FILE}: the server sends more than the 1000 bytes it lists"
    assert files(models(tinyllm)) == []


def test_a_file_too_large_for_the_disk_is_refused_before(tinyllm, hub):
    hub.listed_bytes[FILE] = 10**15
    message = tinyllm.failure("pull", REPO)
    assert "MB free, this needs 1000000000 MB; free some space or set TINYLLM_HOME" in message
    assert hub.file_requests() == []


@pytest.mark.parametrize(
    "status, headers, message",
    [
        (401, {}, "wants a login: the model does not exist, is private, or its terms must be accepted"),
        (403, {"X-Error-Message": "gated\x07!"}, "wants a login (gated!): "),
        (404, {}, f"{REPO}: not found at http://127.0.0.1"),
        (418, {}, "answers with status 418"),
        (429, {"Retry-After": "30"}, "too many requests; try again in 30 s"),
        (503, {}, "has a problem of its own (status 503); try again later"),
    ],
)
def test_every_refusal_says_what_to_do(tinyllm, hub, status, headers, message):
    hub.status[f"/api/models/{REPO}"] = status
    hub.headers = headers
    assert message in tinyllm.failure("pull", REPO)


def test_a_wrong_token_is_named_and_not_shown(tinyllm, hub):
    hub.token = "hf_right"
    tinyllm.env["HF_TOKEN"] = "hf_wrong"
    message = tinyllm.failure("pull", REPO)
    assert "does not let this HF_TOKEN in (Invalid username or password.)" in message
    assert "hf_wrong" not in message


def test_a_file_that_vanished_is_named(tinyllm, hub):
    hub.status[f"/{REPO}/resolve/0123456789abcdef0123456789abcdef01234567/{FILE}"] = 404
    assert tinyllm.failure("pull", REPO).startswith(f"{REPO}/{FILE}: not found at")


def test_the_token_does_not_follow_a_redirect_to_another_host(tinyllm, hub):
    with FakeHub() as other:
        other.repos = hub.repos
        hub.redirect_to = other.address
        hub.token = tinyllm.env["HF_TOKEN"] = "hf_secret"
        tinyllm.text("pull", REPO)
        assert (models(tinyllm) / REPO / FILE).read_bytes() == CONTENT
        assert [headers.get("authorization") for headers in hub.file_requests()] == ["Bearer hf_secret"]
        assert [headers.get("authorization") for headers in other.file_requests()] == [None]


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "//"])
def test_a_redirect_leads_to_the_web_only(tinyllm, hub, target):
    hub.headers = {"Location": target}
    hub.status[f"/{REPO}/resolve/0123456789abcdef0123456789abcdef01234567/{FILE}"] = 302
    tinyllm.failure("pull", REPO)
    assert files(models(tinyllm)) in ([], [f"{REPO}/{FILE}.part"])


def test_redirects_in_a_circle_end(tinyllm, hub):
    hub.redirect_to = hub.address
    assert "more than 5 redirects" in tinyllm.failure("pull", REPO)


@pytest.mark.parametrize(
    "name", ["../evil.gguf", "a/../../evil.gguf", "/tmp/evil.gguf", "a//evil.gguf", "a\\..\\evil.gguf", "a\nevil.gguf"]
)
def test_names_that_lead_out_are_refused(tinyllm, hub, name):
    hub.repos["Org/Evil"] = {name: CONTENT}
    assert "leads out of its folder; nothing was fetched" in tinyllm.failure("pull", "Org/Evil")
    assert hub.file_requests() == []
    assert not list(tinyllm.home.rglob("*evil*"))


@pytest.mark.parametrize("name", ["../x/y", "a/b/c", "/a/b", "Org/..", ".a/b", "Org/Repo:../x.gguf", "Org/Repo:"])
def test_references_that_lead_out_are_no_names(tinyllm, hub, name):
    assert "no model of this name to pull" in tinyllm.failure("pull", name)
    assert hub.requests == []


def test_a_server_that_trickles_is_given_up(tinyllm, hub):
    tinyllm.env["TINYLLM_STALL_S"] = "1"
    hub.bytes_per_second = 20
    began = time.monotonic()
    assert "the connection broke at byte" in tinyllm.failure("pull", REPO)
    assert time.monotonic() - began < 15


def test_headers_that_trickle_are_given_up(tinyllm, hub):
    tinyllm.env["TINYLLM_STALL_S"] = "1"
    hub.headers_per_second = 20
    began = time.monotonic()
    assert tinyllm.failure("pull", REPO).startswith("no answer from http://127.0.0.1:")
    assert time.monotonic() - began < 6


@pytest.mark.parametrize("host", ["127.0.0.1:1", "no-such-host.invalid", "192.0.2.1", None])
def test_no_network_is_said_within_three_seconds(tinyllm, host):
    with silent_port() as port:
        endpoint = f"http://{host or f'127.0.0.1:{port}'}"
        tinyllm.env.update(HF_ENDPOINT=endpoint, no_proxy="*")
        began = time.monotonic()
        message = tinyllm.failure("pull", REPO)
        assert time.monotonic() - began < 3
    assert message.startswith(f"no answer from {endpoint}") and message.endswith("check the connection and pull again")


def test_a_choice_is_asked_for(tinyllm, hub):
    hub.repos[REPO] = {"m-Q4_K_M.gguf": CONTENT, "m-Q8_0.gguf": b"8", "mmproj-m.gguf": b"p"}
    message = tinyllm.failure("pull", REPO)
    assert f"{REPO}: has several GGUF files: m-Q4_K_M.gguf, m-Q8_0.gguf; choose one" in message
    assert "no GGUF file fits 'Q4_K'; there are: m-Q4_K_M.gguf" in tinyllm.failure("pull", f"{REPO}:Q4_K")
    assert tinyllm.text("pull", f"{REPO}:q8_0").endswith("/m-Q8_0.gguf\n")
    assert files(models(tinyllm)) == [f"{REPO}/m-Q8_0.gguf"]


def test_all_pieces_of_a_split_file_come(tinyllm, hub):
    pieces = {f"Q8_0/m-Q8_0-0000{i}-of-00003.gguf": CONTENT[i:] for i in (1, 2, 3)}
    hub.repos[REPO] = {**pieces, "m-Q4_0.gguf": b"4", "m-Q5_0-00001-of-00002.gguf": b"its other piece is missing"}
    assert tinyllm.text("pull", f"{REPO}:Q8_0").endswith("/Q8_0/m-Q8_0-00001-of-00003.gguf\n")
    assert files(models(tinyllm) / REPO) == sorted(pieces)
    assert "no GGUF file fits 'Q5_0'" in tinyllm.failure("pull", f"{REPO}:Q5_0")


def test_a_safetensors_model_comes_with_its_text_files(tinyllm, hub):
    wanted = [
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "model.safetensors.index.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    others = ["README.md", "consolidated.safetensors", "onnx/model.onnx", "original/x.safetensors", "pytorch_model.bin"]
    hub.repos["Org/Safe"] = {name: name.encode() for name in wanted + others}
    assert tinyllm.text("pull", "Org/Safe") == f"{models(tinyllm)}/Org/Safe\n"
    assert files(models(tinyllm) / "Org/Safe") == wanted
    assert hub.requests[-1][0].endswith("/config.json")


def test_a_repository_without_a_model_says_what_is_supported(tinyllm, hub):
    hub.repos["Org/Bin"] = {"config.json": b"{}", "pytorch_model.bin": b"x"}
    assert "holds neither a whole GGUF file nor a safetensors model" in tinyllm.failure("pull", "Org/Bin")


def test_a_broken_listing_is_one_clear_line(tinyllm, hub):
    hub.repos[REPO] = {}
    hub.status[f"/api/models/{REPO}"] = 200  # "{}": no files in it
    assert tinyllm.failure("pull", REPO).startswith(f"{REPO}: the hub's list of files cannot be read")


def test_an_unknown_name_names_what_there_is(tinyllm, hub):
    message = tinyllm.failure("pull", "smollm2-135")
    assert "did you mean smollm2-135m?" in message and "qwen2.5-coder-1.5b" in message
    assert tinyllm.failure("pull", "qwen2.5-0.5b-instruct").startswith("Qwen/Qwen2.5-0.5B-Instruct-GGUF: not found")


def test_a_full_disk_leaves_no_file_under_the_final_name(tinyllm, hub):
    def small_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    message = tinyllm.failure("pull", REPO, preexec_fn=small_disk)
    assert message.startswith(f"{models(tinyllm)}/{REPO}/{FILE}.part: cannot be written: File too large; free some")
    assert not (models(tinyllm) / REPO / FILE).exists()
    tinyllm.text("pull", REPO)
    assert (models(tinyllm) / REPO / FILE).read_bytes() == CONTENT


def test_a_home_that_is_no_folder_is_named(tinyllm, hub):
    (tinyllm.home / "tinyllm").write_text("a file")
    assert tinyllm.failure("pull", REPO) == f"{tinyllm.home}/tinyllm/locks: cannot be made: Not a directory"


def test_two_pulls_of_one_model_take_turns(tinyllm, hub):
    hub.bytes_per_second = 300_000
    first = start(tinyllm, "pull", REPO)
    wait_until(lambda: hub.file_requests())
    second = start(tinyllm, "pull", f"{REPO}:{FILE}")
    outputs = [process.communicate(timeout=60) for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0]
    assert [out for out, _ in outputs] == [f"{models(tinyllm)}/{REPO}/{FILE}\n".encode()] * 2
    assert outputs[0][1] == b"" and b"another process is pulling it; waiting for its end" in outputs[1][1]
    assert len(hub.file_requests()) == 1


def test_ctrl_c_keeps_what_came_for_the_next_pull(tinyllm, hub):
    hub.bytes_per_second = 200_000
    process = start(tinyllm, "pull", REPO)
    part = models(tinyllm) / REPO / f"{FILE}.part"
    wait_until(lambda: part.exists() and part.stat().st_size > 20_000)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, b"")
    assert err == b"tinyllm: stopped; pull again: it goes on where it stopped\n"
    assert files(models(tinyllm)) == [f"{REPO}/{FILE}.part"]
    hub.bytes_per_second = None
    tinyllm.text("pull", REPO)
    assert (models(tinyllm) / REPO / FILE).read_bytes() == CONTENT
    assert hub.file_requests()[-1]["range"].startswith("bytes=")
