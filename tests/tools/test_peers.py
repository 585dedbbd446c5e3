"""The parts of ./tiny peers around the measuring: fetching, programs that fail, tables, the results file."""

import importlib.util
import json
import os
import signal
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

spec = importlib.util.spec_from_file_location("peers_command", ROOT / "tools/peers.py")
peers = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = peers
spec.loader.exec_module(peers)
report = sys.modules["report"]
worker = sys.modules["worker"]

MACHINE = {"cpu": "Some CPU", "instruction_sets": ["avx2"], "system": "Linux"}
RUNS = {
    "tiny-llm avx2": {"load_s": [1.0], "prefill": [200.0, 100.0, 300.0], "decode": [20.0], "total": [60.0], "peak_bytes": [2e9], "read_bandwidth": [4e10]},
    "llama.cpp": {"load_s": [2.0], "prefill": [100.0], "decode": [10.0], "total": [20.0]},
    "ik_llama.cpp": {"load_s": [2.0], "prefill": [50.0], "decode": [16.0]},
    "ik_llama.cpp flash": {"load_s": [2.0], "prefill": [160.0], "decode": [8.0]},
}

# A program as bench/peer_worker.cpp describes it: counts, answers slowly to `slow`, dies at `die`.
PROGRAM = """
import sys, time
print('{"load_s": 0.5}', flush=True)
for i, line in enumerate(sys.stdin):
    if line == 'die\\n': sys.exit('no room for a batch')
    if line == 'slow\\n': time.sleep(60)
    print('noise')
    print('{"decode": %d}' % i, flush=True)
"""


def result(model="a.gguf", threads=2, **more):
    facts = {"model": model, "threads": threads, "prompt": 512, "packed_bytes_per_token": 1e9, "read_bandwidth": [3e10, 4e10, 4.5e10], "runs": RUNS}
    return {**facts, **more}


def start(workers, name="llama.cpp", program=PROGRAM):
    return workers.start(name, [sys.executable, "-c", program])


def test_table():
    lines = report.table(result()).splitlines()
    assert lines[0] == "a.gguf, 2 threads, memory reads 40.0 GB/s (30.0 to 45.0)"
    assert lines[1].split() == ["prefill", "512", "decode", "8", "together", "load", "s", "peak", "MB"]
    assert lines[2].split() == ["tiny-llm", "avx2", "200.0", "20.0", "60.0", "1.00", "2000"]
    assert lines[4].split() == ["ik_llama.cpp", "50.0", "16.0", "-", "2.00", "-"]
    assert lines[6] == (
        "tiny-llm avx2: prefill 1.25 x ik, 2.00 x llama.cpp; decode 1.25 x ik, 2.00 x llama.cpp; "
        "together 3.00 x llama.cpp; decode reads at 50 % of the memory's speed"
    )


def test_table_without_peers():
    """A peer that could not be loaded leaves no ratio, one that failed on the way no value."""
    runs = {"tiny-llm avx2": RUNS["tiny-llm avx2"], "ik_llama.cpp": {"load_s": [2.0]}}
    lines = report.table(result(runs=runs)).splitlines()
    assert lines[3].split() == ["ik_llama.cpp", "-", "-", "-", "2.00", "-"]
    assert lines[4] == "tiny-llm avx2: decode reads at 50 % of the memory's speed"


def test_share_of_the_memory_at_that_moment():
    """A run on a fast minute and one on a slow minute are both told against their own minute."""
    values = {"decode": [30.0, 20.0, 10.0], "read_bandwidth": [4e10, 2.5e10, 1.25e10]}
    assert report.share_of_memory(result(runs={"tiny-llm avx2": values}), "tiny-llm avx2") == pytest.approx(0.8)
    assert report.share_of_memory(result(runs={"tiny-llm avx2": {"decode": [1.0]}}), "tiny-llm avx2") is None


def test_context_table():
    runs = {
        "tiny-llm avx2": {"decode_128": [20.0], "decode_4096": [15.0]},
        "llama.cpp": {"decode_128": [10.0], "decode_4096": [5.0]},
        "ik_llama.cpp": {},
    }
    lines = report.table(result(contexts=[128, 4096], runs=runs)).splitlines()
    assert lines[2].split() == ["tiny-llm", "avx2", "20.0", "15.0", "75", "%"]
    assert lines[3].split() == ["llama.cpp", "10.0", "5.0", "50", "%"]
    assert lines[5] == "tiny-llm avx2: after 128 2.00 x llama.cpp; after 4096 3.00 x llama.cpp"


def test_results_are_never_overwritten_with_nothing(tmp_path):
    path = tmp_path / "results/cpu.json"
    report.save(path, [], MACHINE)
    assert not path.parent.exists()
    report.save(path, [result()], MACHINE)
    before = path.read_text()
    report.save(path, [], MACHINE)
    assert path.read_text() == before
    assert [file.name for file in path.parent.iterdir()] == ["cpu.json"]


def test_a_results_file_that_is_no_json_is_kept_beside(tmp_path, capsys):
    path = tmp_path / "cpu.json"
    path.write_bytes(b'{"results": [\xff')
    report.save(path, [result()], MACHINE)
    assert (tmp_path / "cpu.bad").read_bytes() == b'{"results": [\xff'
    assert [one["model"] for one in json.loads(path.read_text())["results"]] == ["a.gguf"]
    assert "is no JSON" in capsys.readouterr().err
    report.save(path, [result("b.gguf")], MACHINE)
    assert [one["model"] for one in json.loads(path.read_text())["results"]] == ["a.gguf", "b.gguf"]
    assert capsys.readouterr().err == ""


def test_new_results_replace_old_ones_of_the_same_kind(tmp_path):
    path = tmp_path / "cpu.json"
    for one in (result(), result(threads=1), result("b.gguf"), result(contexts=[128, 4096]), result(gen=7)):
        report.save(path, [one], MACHINE)
    found = json.loads(path.read_text())
    assert {key: found[key] for key in MACHINE} == MACHINE
    kinds = [(one["model"], one["threads"], "contexts" in one, one.get("gen")) for one in found["results"]]
    assert kinds == [("a.gguf", 1, False, None), ("b.gguf", 2, False, None), ("a.gguf", 2, True, None), ("a.gguf", 2, False, 7)]


def test_results_of_a_file_with_one_date_keep_it():
    old = {**MACHINE, "date": "2026-11-24", "commit": "abc", "packages": ["x==1"], "results": [result(), result("b.gguf")]}
    merged = report.merge(old, [result(date="2026-11-27")], MACHINE)
    assert "date" not in merged
    assert [(one["model"], one["date"]) for one in merged["results"]] == [("b.gguf", "2026-11-24"), ("a.gguf", "2026-11-27")]


def test_a_program_that_fails_is_left_out(tmp_path, capsys):
    with worker.Workers(tmp_path) as workers:
        good, bad = start(workers, "tiny-llm avx2"), start(workers)
        assert start(workers, "ik_llama.cpp flash", "import sys; sys.exit('no such tensor')") is None
        assert good.loaded == {"load_s": 0.5}
        runs = {}
        peers.take_turns(workers, [(good, "single"), (bad, "single")], 1, runs)
        peers.take_turns(workers, [(good, "single"), (bad, "die")], 1, runs, lambda key: key + "_2")
        assert runs == {"tiny-llm avx2": {"decode": [1], "decode_2": [3]}, "llama.cpp": {"decode": [1]}}
        assert workers.alive == [good]
        runs = {}
        probe = start(workers, "probe", PROGRAM.replace('"decode"', '"read_bandwidth"'))
        peers.take_turns(workers, [(good, "single"), (good, "together"), (bad, "single")], 1, runs, probe=probe)
        assert runs == {"tiny-llm avx2": {"read_bandwidth": [2], "decode": [6, 7]}}
        assert [words.split(" (log")[0] for words in workers.failures] == [
            "ik_llama.cpp flash ended without an answer: no such tensor",
            "llama.cpp ended without an answer: no room for a batch",
        ]
        assert good.peak_bytes() > 1e6
    assert good.process.returncode == -9  # stopped programs do not stay behind
    assert "left out" in capsys.readouterr().err


def test_a_program_that_is_killed_while_stopped_is_left_out(tmp_path):
    """As the kernel does when memory runs out; the values of the others stay."""
    with worker.Workers(tmp_path) as workers:
        good, bad = start(workers, "tiny-llm avx2"), start(workers)
        os.kill(bad.process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, bad.process.pid, os.WEXITED | os.WNOWAIT)  # a zombie from here on
        assert workers.peak_bytes(bad) is None
        assert workers.peak_bytes(bad) is None
        assert workers.peak_bytes(good) > 1e6
        assert workers.alive == [good]
        assert [words.split(" (log")[0] for words in workers.failures] == ["llama.cpp was killed while it was stopped"]


def test_programs_of_one_name_have_their_own_logs(tmp_path):
    talk = "import sys; print('the first', file=sys.stderr, flush=True)\n" + PROGRAM
    with worker.Workers(tmp_path) as workers:
        first, second = start(workers, program=talk), start(workers)
        assert (first.name, first.log.name) == ("llama.cpp", "llama-cpp-1.log")
        assert (second.name, second.log.name) == ("llama.cpp", "llama-cpp-2.log")
        assert (first.log.read_text(), second.log.read_text()) == ("the first\n", "")


def test_a_program_that_hangs_is_left_out(tmp_path, monkeypatch):
    with worker.Workers(tmp_path) as workers:
        slow = start(workers)
        monkeypatch.setattr(worker, "ANSWER_LIMIT_S", 0.3)
        assert workers.ask(slow, "slow") == {}
        assert workers.alive == []


@pytest.mark.parametrize("exit_code", [0, 1])
def test_models_are_fetched(tmp_path, monkeypatch, exit_code):
    monkeypatch.setenv("TINYLLM_HOME", str(tmp_path))
    binary = tmp_path / "tinyllm"
    model = peers.MODELS["smollm2-135m"]
    binary.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/calls\nmkdir -p {tmp_path}/models\n>{tmp_path}/models/{model.file}\nexit {exit_code}\n')
    binary.chmod(0o755)
    monkeypatch.setattr(peers, "BINARY", binary)
    if exit_code:
        with pytest.raises(peers.NotMeasured, match="smollm2-135m could not be fetched"):
            peers.fetch(model, sys.executable)
        return
    assert peers.fetch(model, sys.executable) == peers.fetch(model, sys.executable) == tmp_path / "models" / model.file
    assert (tmp_path / "calls").read_text() == "pull smollm2-135m\n"


def test_too_little_memory_is_said_before_anything_is_loaded(tmp_path):
    path = tmp_path / "a.gguf"
    with path.open("wb") as file:
        file.truncate(1_000_000_000)  # sparse
    peers.require_memory(path, 5, 9e9)
    with pytest.raises(peers.NotMeasured, match="a.gguf: 6 programs need about 10 GB of memory, 9 GB are free"):
        peers.require_memory(path, 6, 9e9)


def asked_for(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["peers", *words])
    return [(how, model.name, threads) for how, model, threads in peers.comparisons(peers.parse_arguments())]


def test_every_model_and_thread_count_is_its_own_comparison(monkeypatch):
    models = ["--model", "smollm2-135m", "--model", "random-qwen2.5-0.5b-bf16"]
    assert asked_for(monkeypatch, "--threads", "1,2,2", *models) == [
        (peers.measure, name, threads) for threads in (1, 2) for name in ("smollm2-135m", "random-qwen2.5-0.5b-bf16")
    ]
    assert len(asked_for(monkeypatch, "--threads", "2")) == len(peers.MODELS)
    assert asked_for(monkeypatch, "--threads", "1,2", "--long-context") == [(peers.measure_contexts, "qwen2.5-coder-1.5b", 2)]


def test_a_run_in_which_nothing_was_measured_fails_and_writes_nothing(tmp_path, monkeypatch, capsys):
    def refuse(model, python):
        raise peers.NotMeasured(f"{model.name} could not be fetched")

    monkeypatch.setattr(peers, "fetch", refuse)
    monkeypatch.setattr(peers, "python_with_peers", lambda: sys.executable)
    monkeypatch.setattr(sys, "argv", ["peers", "--threads", "1", "--output", str(tmp_path / "cpu.json")])
    assert peers.main() == 1
    assert not (tmp_path / "cpu.json").exists()
    assert capsys.readouterr().err.count("could not be fetched") == len(peers.MODELS)
