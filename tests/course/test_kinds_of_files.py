"""Tasks that are no free functions of a .cpp file: the members of a class, and CUDA. Planted: no lesson has them yet."""

import hashlib
import json

import pytest
from learner import BINARY, ROOT

CLASS_TASK = "pool.blocks", """
day = "3.1"
place = 1
title = "Who holds which block"
engine_file = "cache/block_pool"
learner_file = "week3/block_pool.cpp"
class = "tinyllm::BlockPool"
functions = ["take", "add_ref", "release"]
levels = ["build", "contract", "values", "property"]
runs_in = "tests"
contract = 1
minutes = 30
hints = []
"""
CUDA_TASK = "matmul.cuda", """
day = "2.3"
place = 1
title = "A matrix product on the GPU"
engine_file = "kernels/cuda/linear_plain"
learner_file = "week2/linear_plain.cu"
functions = ["launch_dequantise", "launch_naive_linear"]
levels = ["build", "contract", "values", "property"]
runs_in = "tests"
contract = 1
minutes = 30
hints = []
"""
# Four folders of the engine hold an attention.cpp.
COMMON_NAME_TASK = "attention.block", """
day = "1.3"
place = 9
title = "The attention of a layer"
engine_file = "reference/attention"
learner_file = "week1/attention.cpp"
functions = ["attention"]
levels = ["build", "contract", "values", "property"]
runs_in = "tests"
contract = 1
minutes = 30
hints = []
"""
HAS_NVCC = (BINARY.parent / "cuda/src/kernels/cuda/linear_plain.cu.o").exists()


@pytest.fixture(name="check")
def plant(learner, tmp_path):
    """Checks a text as the learner's file of a planted task: the result as `--json` gives it."""

    def check(task, file, text):
        name, manifest = task
        folder = tmp_path / "course of four/tasks" / name
        folder.mkdir(exist_ok=True)
        learner.write(file, text)
        golden = '{"cases": []}'
        (folder / "task.toml").write_text(manifest)
        (folder / "golden.json").write_text(golden)
        (folder / "pins.json").write_text(json.dumps({"golden.json": hashlib.sha256(golden.encode()).hexdigest()}))
        done = learner.learn("check", name, "--json")
        assert done.stdout.startswith("["), done.stderr
        return json.loads(done.stdout)[0]

    return check


def levels(result):
    return [words.split()[0] for words in result["passed"]]


def engine_text(file):
    return (ROOT / "src" / file).read_text(encoding="utf-8")


def test_the_members_of_a_class_are_a_contract(check):
    result = check(CLASS_TASK, "week3/block_pool.cpp", engine_text("cache/block_pool.cpp"))
    assert levels(result)[:2] == ["build", "contract"], result


def test_a_file_name_that_several_folders_hold_is_no_fault_of_the_linker(check):
    result = check(COMMON_NAME_TASK, "week1/attention.cpp", engine_text("reference/attention.cpp"))
    assert levels(result)[:2] == ["build", "contract"], result


CLASS_FAULTS = {
    "a member is missing": (
        lambda text: text[: text.index("void BlockPool::check_invariants")] + "}\n", "contract",
        "does not define tinyllm::BlockPool::check_invariants() const"),
    "a helper without static": (
        lambda text: text.replace("BlockId BlockPool::take", "BlockId half(BlockId b) { return b / 2; }\nBlockId BlockPool::take"),
        "build", "Write `static` before it"),
    "a member that the class does not have": (
        lambda text: text.replace("BlockId BlockPool::take", "void BlockPool::take_two() {}\nBlockId BlockPool::take"),
        "build", "no declaration matches"),
    "other parameters": (
        lambda text: text.replace("void BlockPool::add_ref(BlockId block)", "void BlockPool::add_ref(std::int64_t block)"),
        "build", "the contract is  tinyllm::BlockPool::add_ref(int)"),
}  # fmt: skip


@pytest.mark.parametrize("name", CLASS_FAULTS)
def test_faults_of_a_class_file_are_told(check, name):
    change, level, words = CLASS_FAULTS[name]
    text = engine_text("cache/block_pool.cpp")
    assert change(text) != text
    failure = check(CLASS_TASK, "week3/block_pool.cpp", change(text))["failure"]
    assert failure["level"] == level and words in failure["text"], failure


@pytest.mark.skipif(not HAS_NVCC, reason="this build has no CUDA: it lacks nvcc")
def test_nvcc_compiles_a_cuda_file(check):
    text = engine_text("kernels/cuda/linear_plain.cu")
    result = check(CUDA_TASK, "week2/linear_plain.cu", text)
    assert levels(result)[:2] == ["build", "contract"], result
    broken = check(CUDA_TASK, "week2/linear_plain.cu", text.replace("return", "retrun", 1))["failure"]
    assert broken["level"] == "build" and "code/week2/linear_plain.cu(" in broken["text"], broken
    shared = check(CUDA_TASK, "week2/linear_plain.cu", text + "\nint tinyllm_helper(int x) { return x + 1; }\n")["failure"]
    assert shared["level"] == "contract" and "write `static` before it" in shared["text"], shared


def test_without_nvcc_a_cuda_file_says_what_is_lacking(check, learner, tmp_path):
    """A build tree that knows no .cu file, as one that was configured without nvcc."""
    tree = tmp_path / "tools"
    tree.mkdir()
    ninja = tree / "ninja"
    ninja.write_text('#!/bin/sh\necho "ninja: error: unknown target" >&2\nexit 1\n')
    ninja.chmod(0o755)
    learner.env["PATH"] = f"{tree}:{learner.env['PATH']}"
    failure = check(CUDA_TASK, "week2/linear_plain.cu", "// not yet\n")["failure"]
    assert failure["kind"] == "no_compiler" and failure["level"] == "build"
    assert "code/week2/linear_plain.cu is CUDA, and the engine was built without it" in failure["text"]
    assert "Install the CUDA toolkit" in failure["text"]


REFUSED = {
    "a level that there is not": ('levels = ["build"', 'levels = ["bild"', "levels[0] is 'bild', must be one of"),
    "levels in another order": ('["build", "contract"', '["contract", "build"', "in this order"),
    "a day that there is not": ('day = "3.1"', 'day = "9.1"', "course/tasks/pool.blocks/task.toml: day is 9.1, which is not a day"),
    "a place that is taken": ('day = "3.1"', 'day = "0.2"', "index.strides and pool.blocks both have place 1 of day 0.2"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_task_that_cannot_be_read_says_which_and_why(learner, tmp_path, name):
    before, after, words = REFUSED[name]
    task, manifest = CLASS_TASK
    folder = tmp_path / "course of four/tasks" / task
    folder.mkdir()
    assert before in manifest
    (folder / "task.toml").write_text(manifest.replace(before, after))
    done = learner.learn("list")
    assert done.returncode == 1 and words in done.stderr, done.stderr
