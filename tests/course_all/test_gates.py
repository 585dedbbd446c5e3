"""The gates of the course hold, and each of them can fail: shown by a planted fault."""

import re
import shutil
import subprocess
import tomllib

import pytest
from learner import BINARY, FIRST_TASKS, RMS_NORM, ROOT, TASKS, course_of_four


def gates(learner, *arguments, course=None):
    environment = {**learner.env, **({"TINYLLM_COURSE": str(course)} if course else {})}
    done = subprocess.run([str(BINARY), "learn", "gates", *arguments], capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout


IDS = [task["id"] for task in TASKS]


def gates_hold(learner, names, *arguments):
    code, output = gates(learner, *(word for name in names for word in ("--gate", name)), *arguments)
    assert code == 0 and "all gates hold" in output, output
    for name in names:
        assert re.search(rf"^{name} +ok ", output, re.MULTILINE), name
    return output


@pytest.mark.parametrize("task", IDS)
def test_every_mutant_of_a_task_dies(learner, task):
    output = gates_hold(learner, ["G5"], "--only", task)
    print(output[output.index("G5: which") :])
    mutants = tomllib.loads((ROOT / f"course/tasks/{task}/mutants.toml").read_text(encoding="utf-8"))["mutant"]
    for mutant in mutants:
        assert re.search(rf"^G5 +ok +{mutant['id']} +killed by", output, re.MULTILINE), mutant["id"]


def test_all_other_gates_hold(learner):
    output = gates_hold(learner, ["G1", "G2", "G3", "G4", "G9", "G12"])
    for task in IDS:
        assert f"{task}: the solution is green" in output


SKELETON = RMS_NORM.split("  float sum")[0]
WRONG_SOLUTION = RMS_NORM.replace("+ eps", "")
FAULTS = {
    "G1": ("--skeleton", SKELETON.replace("std::int64_t n", "int n") + "}\n", "norm.rms: the skeleton compiles"),
    "G2": ("--skeleton", SKELETON + "}\n", "norm.rms: 10 tests are red with NotYet"),
    "G3": ("--solution", WRONG_SOLUTION, "norm.rms: the solution is green"),
    "G3 ASan": ("--solution", RMS_NORM.replace("  float sum = 0;", "  float sum = 0 * x[n];"),
                "norm.rms: green under ASan and UBSan"),
    "G3 UBSan": ("--solution", RMS_NORM.replace("  float sum = 0;", "  int big = 2147483647;\n  big += static_cast<int>(n > 0);\n"
                 "  float sum = 1e-30f * static_cast<float>(big);"), "norm.rms: green under ASan and UBSan"),
    "G4": ("--skeleton", RMS_NORM, f"{FIRST_TASKS.index('norm.rms')} solutions, then skeletons"),
    "G9": ("--solution", RMS_NORM.replace("/ root", "/ (root * 1.5f)"), "a small Qwen2 with all solutions together"),
}


@pytest.mark.parametrize("gate", FAULTS)
def test_a_planted_text_breaks_its_gate(learner, tmp_path, gate):
    option, text, finding = FAULTS[gate]
    file = tmp_path / "planted.cpp"
    file.write_text(text, encoding="utf-8")
    of_all = gate in ("G4", "G9")  # a course of four tasks shows it as well as one of forty
    course = course_of_four(tmp_path / "course of four") if of_all else None
    code, output = gates(learner, "--only", "" if of_all else "norm.rms", "--gate", gate.split()[0], option,
                         f"norm.rms={file}", course=course)  # fmt: skip
    assert code == 1
    assert re.search(rf"^{gate.split()[0]} +FAIL +{re.escape(finding)}", output, re.MULTILINE), output


def planted_course(tmp_path, file, change):
    shutil.copytree(ROOT / "course", tmp_path / "course")
    path = tmp_path / "course" / file
    text = change(path.read_text(encoding="utf-8"))
    assert text != path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    return tmp_path / "course"


def test_a_mutant_that_is_right_survives_and_breaks_g5(learner, tmp_path):
    course = planted_course(tmp_path, "tasks/norm.rms/mutants.toml", lambda text: text.replace(
        'with = "x[i] * scale"', 'with = "weight[i] * (x[i] * scale)"'))  # fmt: skip
    code, output = gates(learner, "--only", "norm.rms", "--gate", "G5", "--mutant", "no_weight", course=course)
    assert code == 1 and re.search(r"^G5 +FAIL +no_weight +SURVIVES", output, re.MULTILINE), output


def test_a_mutant_that_answers_otherwise_than_recorded_breaks_g5(learner, tmp_path):
    course = planted_course(tmp_path, "tasks/norm.rms/mutants.toml", lambda text: text.replace(
        "(x[i] - mean) * (x[i] - mean)", "(x[i] - 2 * mean) * (x[i] - 2 * mean)"))  # fmt: skip
    code, output = gates(learner, "--only", "norm.rms", "--gate", "G5", "--mutant", "layer_norm", course=course)
    assert code == 1 and re.search(r"recorded answers of mutants are those of today: layer_norm in case", output), output


def test_levels_that_a_task_does_not_have_break_g3(learner, tmp_path):
    course = planted_course(tmp_path, "tasks/norm.rms/task.toml", lambda text: text.replace('"values", "property", ', '"values", '))
    code, output = gates(learner, "--only", "norm.rms", "--gate", "G3", course=course)
    assert code == 1 and re.search(r"^G3 +FAIL +norm.rms: its levels are those of task.toml", output, re.MULTILINE), output


def test_a_wrong_alternative_breaks_g12(learner, tmp_path):
    course = planted_course(tmp_path, "tasks/norm.rms/other.cpp", lambda text: text.replace("+ eps", ""))
    code, output = gates(learner, "--only", "norm.rms", "--gate", "G12", course=course)
    assert code == 1 and re.search(r"^G12 +FAIL +norm.rms", output, re.MULTILINE), output


def test_goldens_are_what_their_script_writes():
    done = subprocess.run(["python3", "course/make_goldens.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
