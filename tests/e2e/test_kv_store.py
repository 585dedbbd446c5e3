"""`--kv-store`: the same answers from the page store as computed, over restarts, kills and damage."""

import random
import signal
import subprocess
import time

import pytest
from conftest import BINARY, ROOT

TINY = ROOT / "tests/golden/data/tiny"
MODEL = TINY / "qwen2-bf16-tied"
N_PROMPT = 150
N_FULL = 128  # four blocks of 32
PROMPT = ",".join(str(i * 29 % 67) for i in range(N_PROMPT))


def generate(tinyllm, model, store, *flags, prompt=PROMPT):
    where = ("--kv-store", store) if store else ()
    return tinyllm.json("generate", "-m", model, "--token-ids", prompt, "-n", "8", "--json", "-t", "2", *where, *flags)


@pytest.fixture
def right(tinyllm):
    return generate(tinyllm, MODEL, None)["token_ids"]


def test_generate_starts_where_an_earlier_run_ended(tinyllm, tmp_path, right):
    first = generate(tinyllm, MODEL, tmp_path / "kv")
    again = generate(tinyllm, MODEL, tmp_path / "kv")
    assert first["token_ids"] == again["token_ids"] == right
    assert (first["cached_tokens"], again["cached_tokens"]) == (0, N_FULL)
    assert sorted(p.name for p in (tmp_path / "kv").iterdir()) == ["kv.blocks", "kv.index", "kv.lock"]


def complete(server, prompt, **fields):
    ids = [int(i) for i in prompt.split(",")]
    reply = server.post("/v1/completions", {"prompt": ids, "max_tokens": 8, "temperature": 0, "logprobs": 1, **fields})
    assert reply.status == 200, reply
    answer = reply.json()
    cached = answer["usage"].get("prompt_tokens_details", {}).get("cached_tokens", 0)
    choice = answer["choices"][0]
    return (choice["text"], choice["logprobs"]["token_logprobs"], choice["logprobs"]["tokens"]), cached


def test_serve_after_a_restart_and_after_a_kill(start_server, smollm2, tmp_path):
    store = tmp_path / "kv"

    def start():
        return start_server(smollm2, "--kv-store", store, "--context", "2048", "-t", "2")

    server = start()
    text, cached = complete(server, PROMPT)
    assert cached == 0
    assert server.metric("tinyllm:kv_store_misses_total") == 4
    server.stop()
    server = start()
    assert complete(server, PROMPT) == (text, N_FULL)
    assert server.metric("tinyllm:kv_store_hits_total") == 4
    assert server.metric("tinyllm:kv_store_dropped_total") == 0
    others = PROMPT.replace("0,", "1,", 1)
    other_text, cached = complete(server, others)
    assert cached == 0
    while server.metric("tinyllm:kv_store_written_total") < 4:
        time.sleep(0.01)
    server.process.kill()
    server.process.wait()
    server = start()
    assert complete(server, PROMPT) == (text, N_FULL)
    assert complete(server, others) == (other_text, N_FULL)
    server.stop()


def folder_size(folder):
    return sum(file.stat().st_size for file in folder.iterdir()) if folder.exists() else 0


def test_killed_at_any_moment_nothing_old_is_lost(tinyllm, tmp_path, right):
    """Runs that write are killed after a random while, from the first moment of a store on."""
    draw = random.Random(4)

    def start(prompt, store):
        command = [BINARY, "generate", "-m", MODEL, "--token-ids", prompt, "-n", "350", "-t", "2", "--kv-store", store]
        return subprocess.Popen([str(word) for word in command], env=tinyllm.env, stdout=subprocess.DEVNULL)

    durations = []
    for i in range(3):
        began = time.monotonic()
        start(PROMPT, tmp_path / f"whole{i}").wait()
        durations.append(time.monotonic() - began)
    n_killed = n_kept = n_new = 0
    for i in range(60):
        store = tmp_path / f"kv{i // 20}"
        prompt = ",".join(str(draw.randrange(67)) for _ in range(N_PROMPT))
        size = folder_size(store)
        run = start(prompt, store)
        if i % 2:  # in the middle of what it writes, however slow the machine is
            while folder_size(store) == size and run.poll() is None:
                time.sleep(0.001)
            time.sleep(draw.random() * 0.05)
        else:
            time.sleep(draw.random() * min(durations))
        run.send_signal(signal.SIGKILL)
        n_killed += run.wait() == -signal.SIGKILL
        # What was whole before still is; what was cut short is no block.
        answer = generate(tinyllm, MODEL, store)
        assert answer["token_ids"] == right
        assert answer["cached_tokens"] == (0 if i % 20 == 0 else N_FULL), i
        n_kept += answer["cached_tokens"] > 0
        n_new += generate(tinyllm, MODEL, store, prompt=prompt)["cached_tokens"] > 0
    assert n_kept == 57
    assert n_killed >= 20, "most runs had ended before they were killed"
    assert n_new >= 5, "hardly a run had stored anything"


def test_what_cannot_be_a_store_is_one_clear_line(tinyllm, tmp_path):
    store = tmp_path / "kv"
    generate(tinyllm, MODEL, store)
    base = ("generate", "--token-ids", PROMPT, "-n", "1")
    model = ("-m", MODEL)

    def failure(*flags, code=1):
        return tinyllm.failure(*base, *flags, code=code)

    assert failure(*model, "--kv-store", ":5G", code=2) == (
        "--kv-store takes DIR or DIR:SIZE, as in ~/kv:20G; see 'tinyllm generate --help'"
    )
    assert failure(*model, "--kv-store", f"{tmp_path}/new:20GB", code=2) == (
        "--kv-store: '20GB' is no size: a number, and K, M, G or T, as in 500M or 20G; see 'tinyllm generate --help'"
    )
    assert failure(*model, "--kv-store", f"{tmp_path}/new:1K").startswith(f"--kv-store: {tmp_path}/new: may take 1024 bytes")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kv"]
    assert "--kv-store DIR[:SIZE] " in tinyllm.run("generate", "--help").stdout.decode()
    assert failure(*model, "--kv-store", store, "--engine", "reference", code=2) == (
        "--kv-store works with --engine batched only; see 'tinyllm generate --help'"
    )
    assert failure(*model, "--kv-store", store, "--kv-type", "int8") == (
        f"--kv-store: {store}: holds bf16 keys and values, this run wants int8; remove the folder or name another"
    )
    assert failure("-m", TINY / "qwen2-f32-untied", "--kv-store", store).startswith(
        f"--kv-store: {store}: holds keys and values of another model (qwen2-bf16-tied, digest "
    )
    assert failure(*model, "--kv-store", f"{store}:1K").startswith(f"--kv-store: {store}: may take 1024 bytes, and one ")
    (tmp_path / "file").write_text("")
    assert failure(*model, "--kv-store", tmp_path / "file").startswith(
        f"--kv-store: {tmp_path / 'file'}: is no folder and cannot be made"
    )
    (store / "kv.index").write_bytes(b"\0" * 5000)
    assert failure(*model, "--kv-store", store) == (
        f"--kv-store: {store / 'kv.index'}: is not the index of a store, or its head is damaged; remove the folder or "
        "name another"
    )


def run_by(launcher, store, env):
    words = [*launcher, BINARY, "generate", "-m", MODEL, "--token-ids", PROMPT, "-n", "1", "--json", "--kv-store", store]
    return subprocess.run([str(word) for word in words], env=env, capture_output=True, timeout=60)


def run_readelf():
    return subprocess.run(["readelf", "-l", str(BINARY)], capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_build_is_known_however_it_was_started(tinyllm, tmp_path):
    """/proc/self/exe names the dynamic linker here, which is the same for every build."""
    linkers = [line.split()[-1] for line in run_readelf() if "program interpreter" in line]
    if not linkers:
        pytest.skip("a static program")
    generate(tinyllm, MODEL, tmp_path / "kv")
    done = run_by([linkers[0].rstrip("]")], tmp_path / "kv", tinyllm.env)
    assert b'"cached_tokens":128' in done.stdout, done


def test_another_library_of_mathematics_is_another_arithmetic(tinyllm, tmp_path):
    if "libasan" in subprocess.run(["ldd", str(BINARY)], capture_output=True, text=True, check=False).stdout:
        pytest.skip("the sanitizer must be loaded first")
    source, library = tmp_path / "cos.c", tmp_path / "cos.so"
    source.write_text(
        "double cos(double x) { return 1 - x * x / 2; }\n"
        "void sincos(double x, double *s, double *c) { *s = x; *c = 1 - x * x / 2; }\n"
    )
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    generate(tinyllm, MODEL, tmp_path / "kv")
    done = run_by([], tmp_path / "kv", {**tinyllm.env, "LD_PRELOAD": str(library)})
    assert done.returncode == 1
    assert b"holds what tiny-llm" in done.stderr, done


def test_of_two_processes_the_second_reads(tinyllm, start_server, smollm2, tmp_path):
    store = tmp_path / "kv"
    server = start_server(smollm2, "--kv-store", store, "--context", "2048", "-t", "2")
    text, _ = complete(server, PROMPT)
    while server.metric("tinyllm:kv_store_written_total") < 4:
        time.sleep(0.01)
    flags = ("--token-ids", PROMPT, "-n", "8", "--json", "--kv-store", store)
    done = tinyllm.run("generate", "-m", smollm2, *flags)
    assert done.returncode == 0
    assert done.stderr.decode().strip() == (
        f"warning: KV store {store}: is only read, not written: another process uses it"
    )
    assert b'"cached_tokens":128,' in done.stdout
    server.stop()
