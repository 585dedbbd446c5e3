"""tools/check_isa.sh on objects compiled here: a weak symbol in an ISA folder is a fault, elsewhere it is not."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLAIN = "namespace tinyllm::avx2 { void add(float* y) { y[0] += 1; } }"
INLINE = "inline int twice(int a) { return 2 * a; } int (*keep)(int) = twice;"
TEMPLATE_VARIABLE = "template <class T> T zero = T(); int* keep = &zero<int>;"


def run_on(build, folder, source):
    target = build / "CMakeFiles/tinyllm.dir/src" / folder
    target.mkdir(parents=True)
    (build / "a.cpp").write_text(source)
    subprocess.run(["g++", "-std=c++20", "-O0", "-c", build / "a.cpp", "-o", target / "rows.cpp.o"], check=True)
    done = subprocess.run([ROOT / "tools/check_isa.sh", build], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize("isa", ["avx2", "avxvnni", "avx512", "neon"])
def test_plain_function_is_fine(tmp_path, isa):
    assert run_on(tmp_path, f"kernels/cpu/{isa}", PLAIN) == (0, "")


@pytest.mark.parametrize("source, symbol", [(INLINE, "twice(int)"), (TEMPLATE_VARIABLE, "zero<int>")])
def test_weak_symbol_is_named(tmp_path, source, symbol):
    code, output = run_on(tmp_path, "kernels/cpu/avx512", source)
    assert code == 1
    assert output == f"error: kernels/cpu/avx512/rows.cpp.o defines weak symbols:\n{symbol}\n"


def test_other_folders_may_have_them(tmp_path):
    assert run_on(tmp_path, "kernels/cpu/scalar", INLINE) == (0, "")


def test_folder_with_a_space(tmp_path):
    build = tmp_path / "a build"
    build.mkdir()
    assert run_on(build, "kernels/cpu/avx2", INLINE)[0] == 1
