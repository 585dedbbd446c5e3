"""Each fault that tools/check_layers.py is there for, planted in a small tree."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

TABLE = """
| folder | may include | holds |
|---|---|---|
| `apps/` | model text (kernels/cpu/scalar tensor) | programs |
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

def test_what_others_include_is_seen(tmp_path):
    """apps/ may include model/, whose header shows kernels/cpu/scalar/ and tensor/: the row must say so, in brackets or not."""
    table = TABLE.replace("(kernels/cpu/scalar tensor)", "(kernels/cpu/scalar)")
    code, output = run_on(tmp_path, {}, table)
    assert code == 1
    assert output == (
        "error: src/apps/main.cpp: sees tensor/shape.h through model/model.h, but the row of apps/ does not name tensor;"
        " include less there, or write (tensor) into the row\n"
    )


def test_what_is_in_brackets_may_not_be_included(tmp_path):
    code, output = run_on(tmp_path, {"apps/draw.cpp": '#include "tensor/shape.h"\n'})
    assert code == 1
    assert output.startswith("error: src/apps/draw.cpp: includes tensor/shape.h, but apps/ may include only base model text\n")


def test_brackets_that_nobody_needs(tmp_path):
    table = TABLE.replace("| `text/` | |", "| `text/` | (tensor) |")
    code, output = run_on(tmp_path, {}, table)
    assert (code, output) == (
        1,
        "error: docs/architecture.md: the row of text/ names (tensor), which none of its files needs to see\n",
    )


def test_tests_may_see_everything(tmp_path):
    changes = {"text/model_test.h": '#include "text/word.h"\n', "text/word_test.cpp": '#include "text/model_test.h"\n'}
    assert run_on(tmp_path, {**changes, "apps/main_test.cpp": '#include "model/model.h"\n'}) == (0, "")


DEFINITIONS = [
    "namespace tiny {\nstruct Report {\n  int n;\n};\n}\n",
    "namespace tiny {\nclass Report final : public Base {};\n}\n",
    "namespace tiny {\nenum class Report : int { a, b };\n}\n",
    "namespace tiny {\ntemplate <typename T>\nstruct Report {};\n}\n",
]


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_a_type_that_two_files_define(tmp_path, definition):
    code, output = run_on(tmp_path, {"text/a.h": definition, "model/b_test.cpp": DEFINITIONS[0]})
    assert (code, output) == (
        1,
        "error: tiny::Report is defined in src/model/b_test.cpp and in src/text/a.h; rename one\n",
    )


@pytest.mark.parametrize(
    "other",
    [
        "namespace tiny {\nstruct Report;\n}\n",  # only announced
        "namespace tiny::inner {\nstruct Report {};\n}\n",
        "namespace tiny {\nnamespace {\nstruct Report {};\n}\n}\n",  # each file's own
        "namespace tiny {\nstruct Outer {\n  struct Report {};\n};\n}\n",
        "namespace tiny {\nstruct Outer::Report {};\n}\n",
        "namespace tiny {\ntemplate <>\nstruct Report<int> {};\n}\n",
        "namespace tiny {\nvoid f() {\n  struct Report {};\n}\n}\n",
        "// namespace tiny { struct Report {}; }\n",
    ],
)
def test_what_is_no_second_definition(tmp_path, other):
    assert run_on(tmp_path, {"text/a.h": DEFINITIONS[0], "text/b.h": other}) == (0, "")


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
