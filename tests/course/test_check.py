"""`learn check`: right answers, wrong ones, and files that are no answer at all, each with its message."""

import json
import resource
import shutil

import pytest
from learner import RMS_NORM, ROOT, other_way

FILE = "week1/rms_norm.cpp"
CONTRACT = "tinyllm::scalar::rms_norm(const float*, const float*, float*, std::int64_t, float)"


def changed(old, new):
    assert old in RMS_NORM
    return RMS_NORM.replace(old, new)


def test_the_first_call_writes_skeletons_that_are_red_for_the_right_reason(learner):
    done = learner.learn("check", "norm.rms")
    assert "Wrote 4 skeletons into code/" in done.stderr
    assert 'expected red: code/week1/rms_norm.cpp line 9: LESSON_TODO("norm.rms") is still to be written' in done.stdout
    assert done.returncode == 1 and done.stderr.endswith("tinyllm: norm.rms is not green yet\n")
    assert (learner.folder / "code/compile_commands.json").exists()


def processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_a_right_answer_is_green_and_kept_in_the_progress(learner):
    learner.learn("check", "norm.rms")
    learner.write(FILE, RMS_NORM)
    started = processor_seconds()
    done = learner.learn("check", "norm.rms")
    used = processor_seconds() - started
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("values    ok  7 cases", "property  ok  3 of them", "reference path and batched engine", "green"):
        assert words in done.stdout
    assert learner.state()["tasks"]["norm.rms"]["green"] is True
    # One file compiled, one program linked, its tests run: work of a second, whatever else the machine does.
    assert used < 6, f"edit to result took {used:.1f} s of the processor"


def test_a_known_mistake_is_named_with_the_smallest_case_and_a_question(learner):
    learner.write(FILE, changed("sum / static_cast<float>(n) + eps)", "sum / static_cast<float>(n)) + eps"))
    done = learner.learn("explain", "norm.rms")
    assert "case 'three tiny numbers': out[i=0] is 0.5770171, must be 0.5" in done.stdout
    assert "known mistake: eps is added behind the root; it belongs under it." in done.stdout
    assert "? sqrt(mean + eps) or sqrt(mean) + eps" in done.stdout


def test_numbers_of_no_known_mistake_are_said_to_be_that(learner):
    learner.write(FILE, changed("/ root * weight[i]", "/ root * weight[i] * 1.5f"))
    assert "of no mistake that we know" in learner.learn("explain", "norm.rms").stdout
    assert not (learner.folder / "notes/mistakes").exists()
    for n in (1, 2):
        assert f"kept: notes/mistakes/norm.rms-{n}.cpp" in learner.learn("explain", "norm.rms", "--keep").stderr
    kept = (learner.folder / "notes/mistakes/norm.rms-2.cpp").read_text(encoding="utf-8")
    assert kept.startswith("// norm.rms: a mistake") and "out[i=0] is 1.272792, must be 0.848528" in kept
    assert "* weight[i] * 1.5f" in kept


PLANTED = {
    "wrong parameter type": (changed("std::int64_t n,", "int n,"), "build", [
        "the parameters are not those of the contract", CONTRACT]),
    "no namespace": (changed("tinyllm::scalar::rms_norm", "rms_norm"), "build", [
        "its name must be written in full, with the namespace", CONTRACT]),
    "helper with an engine's name": (
        changed("void tinyllm", '#include "kernels/cpu/scalar/add.h"\n'
                "void tinyllm::scalar::add(float* x, const float* y, std::int64_t) { x[0] += y[0]; }\nvoid tinyllm"),
        "contract", ["defines add(float*, const float*, std::int64_t), which is not in the contract; write `static`"]),
    "helper without static": (changed("void tinyllm", "float twice(float x) { return 2 * x; }\nvoid tinyllm"), "build", [
        "write `static` before it"]),
    "empty file": ("", "contract", ["defines no function at all"]),
    "does not compile": (changed("float sum = 0;", "float sum = 0"), "build", [
        "code/week1/rms_norm.cpp:5:3: error: expected ',' or ';' before 'for'"]),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_planted_faults_of_a_file_are_told_in_a_sentence(learner, name):
    text, level, words = PLANTED[name]
    learner.write(FILE, text)
    failure = learner.check("norm.rms")["failure"]
    assert failure["level"] == level
    for word in words:
        assert word.lower() in failure["text"].lower()
    assert str(learner.folder) not in failure["text"], "paths are shown short"


def test_a_missing_function_is_named(learner):
    learner.write("week0/strides.cpp", '#include "kernels/cpu/scalar/strides.h"\n'
                  "void tinyllm::scalar::row_major_strides(const std::int64_t*, int, std::int64_t*) {}\n")  # fmt: skip
    failure = learner.check("index.strides")["failure"]
    assert failure["level"] == "contract"
    assert "does not define tinyllm::scalar::element_offset(" in failure["text"]


BROKEN = {
    "loops for ever": ("volatile int i = 1; while (i > 0) i = 1;", "hang", ["no answer after 5 s"]),
    "crashes": ("float* nothing = nullptr; nothing[n] = x[0];", "crash", ["Segmentation fault", "AddressSanitizer (SEGV)",
                "rms_norm.cpp, line 5"]),
    "writes past the end": ("for (std::int64_t i = 0; i <= n; ++i) out[i] = x[0] * 0;", "stray_write", [
        "wrote 1 element(s) past the end of out", "AddressSanitizer (heap-buffer-overflow)", "line 5, writes"]),
    "leaves the program": ("std::exit(0);", "left", [
        "in 'two numbers, 3 and 4'", "left the program (exit code 0), so 0 of 10 tests ran"]),
    "leaves it as if by a signal": ("std::exit(-1);", "left", ["left the program (exit code 255), so 0 of 10 tests ran"]),
    "leaves it with less noise": ("std::_Exit(0);", "left", ["so 0 of 10 tests ran"]),
    "reads past the end": ("float sum = 0; for (std::int64_t i = 0; i <= n; ++i) sum += x[i] * x[i];\n"
                           "  for (std::int64_t i = 0; i < n; ++i)\n"
                           "    out[i] = x[i] / std::sqrt(sum / static_cast<float>(n) + eps) * weight[i];", "wrong", [
        "case 'two numbers, 3 and 4'"]),
    "throws": ("throw 7;", "threw", ["something that is not a std::exception"]),
    "eats all memory": ("static float* volatile kept = nullptr; for (;;) { kept = new float[1 << 28]; out[0] = x[0]; }", "threw", ["bad_alloc"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_code_that_breaks_its_process_breaks_nothing_else(learner, name):
    body, kind, words = BROKEN[name]
    head = RMS_NORM.split("  float sum")[0]
    learner.write(FILE, f"#include <cstdlib>\n{head}  {body}\n}}\n")
    failure = learner.check("norm.rms")["failure"]
    assert failure["kind"] == kind
    for word in words:
        assert word in failure["title"] + failure["text"]


def test_reading_past_an_array_gives_a_wrong_number_and_explain_names_the_line(learner):
    text = other_way("index.strides")
    learner.write("week0/strides.cpp", text[: text.index("std::int64_t tinyllm")] + """
std::int64_t tinyllm::scalar::element_offset(const std::int64_t* index, const std::int64_t* strides, int n_dims) {
  std::int64_t sum = 0;
  for (int i = 0; i <= n_dims; ++i) sum += index[i] * strides[i];
  return sum;
}
""")
    done = learner.learn("explain", "index.strides")
    line = 1 + (learner.folder / "code/week0/strides.cpp").read_text(encoding="utf-8").split("i <= n_dims")[0].count("\n")
    assert f"AddressSanitizer (heap-buffer-overflow): code/week0/strides.cpp, line {line}, reads beyond" in done.stdout
    assert "no mistake that we know" not in done.stdout


def test_an_end_before_the_last_property_is_no_green(learner):
    """All values are right; then the program ends, with the exit code of success."""
    text = changed("  float sum = 0;", "  static int n_calls = 0;\n  if (++n_calls == 9) std::exit(0);\n  float sum = 0;")
    learner.write(FILE, text.replace("#include <cmath>", "#include <cmath>\n#include <cstdlib>"))
    failure = learner.check("norm.rms")["failure"]
    assert (failure["level"], failure["kind"]) == ("property", "left")
    assert "in 'works in place (out is x)'" in failure["title"] and "so 7 of 10 tests ran" in failure["title"]


def test_an_exit_code_behind_the_last_test_is_no_green(learner):
    text = changed("  float sum = 0;", "  static const int once = std::atexit([] { std::_Exit(3); });\n  (void)once;\n  float sum = 0;")
    learner.write(FILE, text.replace("#include <cmath>", "#include <cmath>\n#include <cstdlib>"))
    failure = learner.check("norm.rms")["failure"]
    assert failure["kind"] == "left"
    assert failure["title"] == "after the last test: your code left the program (exit code 3)"


NOT_KEPT = {
    "a known mistake": (changed("sum / static_cast<float>(n) + eps)", "sum / static_cast<float>(n)) + eps"),
                        "the course knows this mistake of norm.rms already"),
    "mended": (RMS_NORM, "norm.rms is green; keep a mistake before you mend it"),
    "does not compile": ("", "norm.rms gives no wrong numbers, and only those are kept"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_KEPT)
def test_what_is_not_kept_is_said_to_be_that(learner, name):
    text, reason = NOT_KEPT[name]
    learner.write(FILE, text)
    assert f"nothing was kept: {reason}\n" in learner.learn("explain", "norm.rms", "--keep").stderr
    assert not (learner.folder / "notes/mistakes").exists()


def test_explain_looks_at_memory_even_where_the_mistake_is_known(learner):
    text = changed("+ eps)", ") + eps").replace("float sum = 0;", "float sum = 0 * x[n];")
    learner.write(FILE, text.replace("sum / static_cast<float>(n) ) + eps", "sum / static_cast<float>(n)) + eps"))
    shown = learner.learn("explain", "norm.rms").stdout
    assert "known mistake: eps is added behind the root" in shown
    assert "AddressSanitizer (heap-buffer-overflow): code/week1/rms_norm.cpp, line 4, reads beyond" in shown


def test_a_mistake_of_one_function_is_named_whatever_the_other_does(learner):
    learner.write("week0/strides.cpp", """#include "kernels/cpu/scalar/strides.h"
void tinyllm::scalar::row_major_strides(const std::int64_t* dims, int n_dims, std::int64_t* strides) {
  std::int64_t stride = 1;
  for (int i = 0; i < n_dims; stride *= dims[i++]) strides[i] = stride;
}
std::int64_t tinyllm::scalar::element_offset(const std::int64_t*, const std::int64_t*, int) { return 5; }
""")
    assert learner.check("index.strides")["failure"]["known_mistake"] == "first_fastest"


def test_a_changed_golden_is_noticed(learner, tmp_path):
    shutil.copytree(ROOT / "course", tmp_path / "course")
    golden = tmp_path / "course/tasks/norm.rms/golden.json"
    golden.write_text(golden.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    learner.write(FILE, RMS_NORM)
    done = learner.learn("check", "norm.rms", TINYLLM_COURSE=str(tmp_path / "course"))
    assert done.returncode == 1 and "course/tasks/norm.rms/golden.json: not the file that was recorded" in done.stderr


def test_what_the_code_prints_is_shown(learner):
    learner.write(FILE, changed("#include <cmath>", "#include <cmath>\n#include <cstdio>").replace(
        "float sum = 0;", 'float sum = 1;\n  std::printf("n is %d\\n", int(n));'))  # fmt: skip
    done = learner.learn("check", "norm.rms")
    assert "your code printed:\n    n is 2\n" in done.stdout


def test_a_broken_progress_file_is_moved_aside_and_said(learner):
    learner.write(FILE, RMS_NORM)
    learner.learn("check", "norm.rms")
    state = learner.folder / "progress/state.json"
    state.write_text('{"tasks": {"norm.rms": ', encoding="utf-8")
    done = learner.learn("check", "norm.rms")
    assert "moved to progress/state.json.broken-1" in " ".join(done.stderr.split())
    assert (learner.folder / "progress/state.json.broken-1").read_text(encoding="utf-8") == '{"tasks": {"norm.rms": '
    assert learner.state()["tasks"]["norm.rms"]["green"] is True


def test_fields_of_another_type_are_as_if_they_were_missing(learner):
    learner.learn("check", "norm.rms")
    state = {"course_version": "two", "last_event": {"at": "noon", "list": 7, "id": []}, "ear": [{"date": 1, "right": "9"}]}
    state["tasks"] = {"norm.rms": {"hints": "many", "green": 1}}
    (learner.folder / "progress/state.json").write_text(json.dumps(state), encoding="utf-8")
    learner.write(FILE, RMS_NORM)
    for command in (["check", "norm.rms"], ["progress"], ["hint", "norm.rms"]):
        done = learner.learn(*command)
        assert done.returncode == 0, done.stderr
    assert learner.state()["tasks"]["norm.rms"]["green"] is True


def test_tasks_and_fields_of_another_version_are_kept(learner):
    learner.learn("check", "norm.rms")
    path = learner.folder / "progress/state.json"
    state = learner.state()
    state["tasks"]["future.task"] = {"green": True, "stars": 5}
    state["from_the_future"] = [1, 2]
    path.write_text(json.dumps(state), encoding="utf-8")
    learner.write(FILE, RMS_NORM)
    learner.learn("check", "norm.rms")
    assert learner.state()["tasks"]["future.task"] == {"green": True, "stars": 5}
    assert learner.state()["from_the_future"] == [1, 2]


def test_a_file_whose_subject_is_the_order_of_additions_is_compiled_as_it_is_written(learner):
    """In the written order a sum of 100000000, 1, -100000000, 1, ... ends with 1; in eight partial sums it would not."""
    body = """float sum = 0;
  static float terms[64];
  for (int i = 0; i < 64; ++i) terms[i] = i % 4 == 0 ? 1e8f : i % 4 == 2 ? -1e8f : 1.0f;
  float total = 0;
  for (int i = 0; i < 64; ++i) total += terms[i];
  std::printf("total %g\\n", double(total));
  return;"""
    learner.write(FILE, changed("float sum = 0;", body).replace("#include <cmath>", "#include <cmath>\n#include <cstdio>"))
    assert "your code printed:\n    total 1\n" in learner.learn("check", "norm.rms").stdout
