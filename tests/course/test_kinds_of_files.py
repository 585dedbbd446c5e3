"""Tasks that are no free functions of a .cpp file: the members of a class, and CUDA. Planted: no lesson has them yet."""

import hashlib
import json
import shutil

import pytest
from learner import BINARY, ROOT

CLASS_TASK = """
[[task]]
id = "pool.blocks"
day = "3.1"
title = "Who holds which block"
engine_file = "cache/block_pool"
learner_file = "week3/block_pool.cpp"
class = "tinyllm::BlockPool"
functions = ["take", "add_ref", "release"]
runs_in = "tests"
contract = 1
minutes = 30
hints = []
"""
CUDA_TASK = """
[[task]]
id = "matmul.cuda"
day = "2.3"
title = "A matrix product on the GPU"
engine_file = "kernels/cuda/linear_plain"
learner_file = "week2/linear_plain.cu"
functions = ["launch_dequantise", "launch_naive_linear"]
runs_in = "tests"
contract = 1
minutes = 30
hints = []
"""
# Four folders of the engine hold an attention.cpp.
COMMON_NAME_TASK = """
[[task]]
id = "attention.block"
day = "1.3"
title = "The attention of a layer"
engine_file = "reference/attention"
learner_file = "week1/attention.cpp"
functions = ["attention"]
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
        course = tmp_path / "course"
        if not course.exists():
            shutil.copytree(ROOT / "course", course)
            (course / "course.toml").open("a", encoding="utf-8").write(task)
        learner.write(file, text)
        name = task.split('id = "')[1].split('"')[0]
        golden, pins = course / f"golden/{name}.json", course / "golden/pins.json"
        golden.write_text('{"cases": []}')
        pinned = {**json.loads(pins.read_text()), golden.name: hashlib.sha256(golden.read_bytes()).hexdigest()}
        pins.write_text(json.dumps(pinned))
        done = learner.learn("check", name, "--json", TINYLLM_COURSE=str(course))
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
