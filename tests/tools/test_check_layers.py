"""Each fault that tools/check_layers.py is there for, planted in a small tree."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

TABLE = """
| folder | may include | holds |
|---|---|---|
| `apps/` | model text | programs |
| `model/` | kernels/cpu/scalar tensor | the model |
| `kernels/cpu/` | kernels/cpu/scalar tensor | operations |
| `kernels/cpu/scalar/` | tensor | plain operations |
| `tensor/` | | shapes |
| `text/` | | words |
| `base/` | | tools |

| folder | may include | in another table |
"""

CLEAN = {
    "apps/main.cpp": '#include "model/model.h"\n#include "base/log.h"\n#include <vector>\n',
    "model/model.h": '#include "kernels/cpu/scalar/add.h"\n#include "tensor/shape.h"\n',
    "kernels/cpu/scalar/add.h": '#include "tensor/shape.h"\n',
    "kernels/cpu/loops.h": "",
    "tensor/shape.h": '#include "base/log.h"\n',
    "text/word.h": "",
    "base/log.h": "",
}


def run_on(folder, changes, table=TABLE):
    """Writes the clean tree with `changes` and returns (exit code, output) of the checker."""
    (folder / "docs").mkdir()
    (folder / "docs/architecture.md").write_text(table)
    for path, text in {**CLEAN, **changes}.items():
        file = folder / "src" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/check_layers.py"), str(folder)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_clean_tree(tmp_path):
    assert run_on(tmp_path, {}) == (0, "")


@pytest.mark.parametrize(
    "path, text, wanted",
    [
        ("text/up.h", '#include "model/model.h"', "src/text/up.h: includes model/model.h, but text/ may include only base"),
        ("tensor/side.h", '#include "text/word.h"', "src/tensor/side.h: includes text/word.h"),
        # The row of kernels/cpu/scalar counts, not the shorter one of kernels/cpu.
        ("model/skip.h", '#include "kernels/cpu/loops.h"', "src/model/skip.h: includes kernels/cpu/loops.h"),
        ("kernels/cpu/scalar/back.h", '#include "kernels/cpu/loops.h"', "src/kernels/cpu/scalar/back.h: includes"),
        ("wild/new.h", "", "src/wild/new.h: its folder has no row"),
        ("model/gone.h", '#include "tensor/gone.h"', 'src/model/gone.h: includes "tensor/gone.h", which is no file'),
        ("model/relative.h", '#include "../tensor/shape.h"', "which is no file of src/"),
        ("text/json.h", "#include <nlohmann/json.hpp>", "src/text/json.h: includes nlohmann/json.hpp, allowed only in"),
        ("text/log.cpp", "#include <spdlog/spdlog.h>", "src/text/log.cpp: includes spdlog/spdlog.h, allowed only in"),
        ("text/long.h", "\n" * 501, "src/text/long.h: 501 lines, at most 500"),
    ],
)
def test_planted_fault(tmp_path, path, text, wanted):
    code, output = run_on(tmp_path, {path: text})
    assert code == 1
    assert wanted in output
    assert output.count("error:") == 1


def test_file_cycle(tmp_path):
    code, output = run_on(tmp_path, {"text/a.h": '#include "text/b.h"', "text/b.h": '#include "text/a.h"'})
    assert (code, output) == (1, "error: a cycle between files: text/a.h -> text/b.h -> text/a.h\n")


def test_folder_cycle_that_the_table_allows(tmp_path):
    table = TABLE.replace("| `text/` | |", "| `text/` | tensor |").replace("| `tensor/` | |", "| `tensor/` | text |")
    changes = {"text/a.h": '#include "tensor/shape.h"', "tensor/b.h": '#include "text/word.h"'}
    code, output = run_on(tmp_path, changes, table)
    assert code == 1
    assert "a cycle between folders: tensor -> text -> tensor" in output
    assert "a cycle between rows of the table: tensor -> text -> tensor" in output


def function_of(n_lines, head="int add(int a,\n        int b) {"):
    n_body = n_lines - head.count("\n") - 2
    return f"// {{ not code\nnamespace tiny {{\n{head}\n" + 'x("}");\n' * n_body + "}\n}\n"


@pytest.mark.parametrize("head", ["int add(int a,\n        int b) {", "Model::Model(int a) : a_(a), b_{a} {", "template <class T>\nvoid f() {"])
def test_long_functions_are_named(tmp_path, head):
    (tmp_path / "short").mkdir()
    (tmp_path / "long").mkdir()
    assert run_on(tmp_path / "short", {"text/f.cpp": function_of(60, head)}) == (0, "")
    code, output = run_on(tmp_path / "long", {"text/f.cpp": function_of(61, head)})
    assert (code, output) == (0, "warning: src/text/f.cpp:3: a function of 61 lines, at most 60\n")


def test_kernels_may_have_longer_functions(tmp_path):
    code, output = run_on(
        tmp_path,
        {"kernels/cpu/scalar/a.cpp": function_of(120), "kernels/cpu/b.cpp": function_of(121), "tensor/class.h": "class A {\n" * 70},
    )
    assert (code, output) == (0, "warning: src/kernels/cpu/b.cpp:3: a function of 121 lines, at most 120\n")
