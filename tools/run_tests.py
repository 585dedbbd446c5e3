#!/usr/bin/env python3
"""Runs the tests of tiny-llm stage by stage; called by ./tiny test, which has installed what they need.

No option: unit, golden and command-line tests of the release tree, which ./tiny has built. --all: everything that CI
runs, building included. --long: also the soaks. --first-word: also the time from a fresh clone to the model's first word.
The last line is `N passed, N failed, N skipped`; skipped tests are listed with their reasons.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LOGS = BUILD / "test-logs"
FUZZ_SECONDS = {"all": 5, "long": 60}
STAGE_LIMIT_S = 1800
LATEST_START_S = 65 * 60  # CI ends after 90 minutes: with --all no stage begins later than this, and the report says so


@dataclass
class Result:
    """What one stage found. Names are full test names; a check that is not a test suite counts as one test."""

    n_passed: int = 0
    failed: list = field(default_factory=list)  # names
    skipped: list = field(default_factory=list)  # (name, reason)
    output: str = ""  # shown when something failed

    def add(self, other):
        self.n_passed += other.n_passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.output += other.output


def run(command, **environment):
    """(exit code, stdout and stderr) of a command that runs in the root with no input."""
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=STAGE_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        return 124, f"{expired.stdout or ''}\n{command[0]}: no end after {STAGE_LIMIT_S} s\n"
    return done.returncode, done.stdout


def check(name, command, **environment):
    """A command that passes or fails as a whole. What it prints with success (warnings) is shown as well."""
    code, output = run(command, **environment)
    if code == 0:
        sys.stdout.write(output)
        return Result(n_passed=1)
    return Result(failed=[name], output=output)


def read_junit(path):
    """The result that GoogleTest and pytest alike write as JUnit XML."""
    result = Result()
    for case in ElementTree.parse(path).iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            result.failed.append(name)
        elif skip is not None:
            # GoogleTest puts `file:line` on a first line of its own.
            lines = (skip.get("message") or "no reason given").strip().splitlines()
            result.skipped.append((name, " ".join(line.strip() for line in lines[1:] or lines)))
        elif case.get("status") != "notrun":
            result.n_passed += 1
    return result


def run_suite(name, command, report, **environment):
    """A test program that writes JUnit XML to `report`; one that dies before it has written counts as one failure."""
    report.unlink(missing_ok=True)
    code, output = run(command, **environment)
    try:
        result = read_junit(report)
    except (OSError, ElementTree.ParseError):
        return Result(failed=[f"{name}: exit code {code} without a report"], output=output)
    if code != 0 and not result.failed:
        result.failed.append(f"{name}: exit code {code} after its last test")
    result.output = output
    return result


def run_gtest(program, pattern, prefix=(), shows_words=False, **environment):
    """`pattern` as in --gtest_filter; with `shows_words` what tests print (counts, speeds) is shown with success too."""
    part = environment.get("GTEST_SHARD_INDEX", "")
    report = LOGS / f"{program.parent.name}-{program.name}{part}.xml"
    command = [*prefix, program, "--gtest_brief=1", f"--gtest_output=xml:{report}", f"--gtest_filter={pattern}"]
    result = run_suite(program.name, command, report, **environment)
    if shows_words and not result.failed:
        reasons = " ".join(reason for _, reason in result.skipped)  # they stand at the end, once
        for line in result.output.splitlines():
            noise = line.startswith(("[", "Running main", "Note: ", "warning: ")) or line.endswith(": Skipped")
            if line.strip() and not noise and line.strip() not in reasons:
                print(f"   {line}")
    return result


def run_in_halves(program, pattern, prefix=(), **environment):
    """run_gtest by two processes, each with every second test: for slow builds."""
    with ThreadPoolExecutor() as pool:
        half = {"GTEST_TOTAL_SHARDS": "2", **environment}
        runs = [pool.submit(run_gtest, program, pattern, prefix, GTEST_SHARD_INDEX=str(i), **half) for i in range(2)]
    result = Result()
    for run_of_half in runs:
        result.add(run_of_half.result())
    return result


def python_with(requirements):
    """A python that has Debian's packages and those of a requirements file; None when they cannot be had."""
    # Debian's packages belong to Debian's python, which need not be the first one on PATH.
    system = "/usr/bin/python3" if shutil.which("pytest-3") else sys.executable
    folder = BUILD / "python" / Path(requirements).parent.name
    wanted = (ROOT / requirements).read_text()
    python, stamp = folder / "bin/python", folder / "requirements"
    if not (python.exists() and stamp.exists() and stamp.read_text() == wanted):
        code, output = run([system, "-m", "venv", "--system-site-packages", folder])
        if code == 0:
            code, output = run([python, "-m", "pip", "install", "--quiet", "-r", requirements])
        if code != 0:
            print(f"   {requirements} cannot be installed; tests that need it are skipped\n{output}")
            return None
        stamp.write_text(wanted)
    return python


def run_pytest(folder, pattern, python=None, side_by_side="", **environment):
    """`side_by_side`: by two processes, for tests that mostly wait: how xdist shares them out, load or loadfile."""
    report = LOGS / f"{folder.replace('/', '-')}.xml"
    python = python or ("/usr/bin/python3" if shutil.which("pytest-3") else sys.executable)  # Debian's has Debian's pytest
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", folder]
    if side_by_side and run([python, "-c", "import xdist"])[0] == 0:
        command += ["-n", "2", "--dist", side_by_side]
    if pattern:
        command += ["-k", pattern]
    result = run_suite(folder, command, report, **environment)
    if pattern and not result.n_passed and result.failed == [f"{folder}: exit code 5 after its last test"]:
        return Result()  # 5: the pattern fits no test here
    return result


def fresh_if_moved(tree):
    """What makes cmake forget a build tree that was configured for another folder: it refuses to work in one."""
    cache = tree / "CMakeCache.txt"
    is_moved = cache.exists() and f"CMAKE_HOME_DIRECTORY:INTERNAL={ROOT}\n" not in cache.read_text()
    return ["--fresh"] if is_moved else []


def build(preset, *targets):
    """None when the tree of a preset stands, else the failed result."""
    code, output = run(["cmake", "--preset", preset, *fresh_if_moved(BUILD / preset)])
    if code == 0:
        caching = {
            "CCACHE_BASEDIR": os.environ.get("CCACHE_BASEDIR", str(ROOT)),
            "CCACHE_NOHASHDIR": os.environ.get("CCACHE_NOHASHDIR", "1"),
        }
        code, output = run(["ninja", "-C", BUILD / preset, *targets], **caching)
    return None if code == 0 else Result(failed=[f"build of preset {preset}"], output=output)


# Stages. Each takes the parsed options and returns a Result.


def first_word(_):
    """The way of a new user: a fresh clone, nothing built, no model. (The packages are installed by now.)"""
    with tempfile.TemporaryDirectory() as folder, open(LOGS / "first-word.log", "wb") as log:
        # Every file is compiled, as without a cache.
        environment = {**os.environ, "TINYLLM_HOME": f"{folder}/home", "CCACHE_RECACHE": "1"}
        started = time.monotonic()
        clone = ROOT
        if (BUILD / "release").exists():  # this folder is no fresh clone, as CI's is
            clone = f"{folder}/clone"
            subprocess.run(["git", "clone", "--quiet", ROOT, clone], stderr=log, check=True)
        chat = [f"{clone}/tiny", "chat", "-p", "Say hello", "--temperature", "0"]
        with subprocess.Popen(chat, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log) as process:
            word = process.stdout.read(1)
            seconds = time.monotonic() - started
            answer = (word + process.stdout.read()).decode(errors="replace").strip()
    if process.returncode != 0 or not answer:
        return Result(failed=["first word"], output=(LOGS / "first-word.log").read_text(errors="replace"))
    print(f"   clone to first word: {minutes(seconds)}; the answer: {answer[:80]!r}")
    return Result(n_passed=1)


def release_build(_):
    return build("release", "all") or Result(n_passed=1)


def unit_tests(options):
    return run_gtest(BUILD / "release/unit_tests", options.pattern)


def lag_tests(options):
    """The engine's tests once more, on a backend whose results come a step late, as those of a GPU do."""
    pattern = ":".join(suite + options.pattern for suite in ("Engine*", "RandomLoad*", "Trace*", "RequestStream*"))
    return run_gtest(BUILD / "release/unit_tests", pattern, TINYLLM_TEST_LAG="1")


def level(options):
    """What tells the tests that take long whether to run: in the environment."""
    return {name: "1" for name, wanted in (("TINYLLM_ALL", options.all), ("TINYLLM_LONG", options.long)) if wanted}


def golden_tests(options):
    return run_gtest(BUILD / "release/golden_tests", options.pattern, shows_words=True, **level(options))


def command_line_tests(options):
    python = python_with("tests/e2e/requirements.txt")
    return run_pytest("tests/e2e", options.name, python, side_by_side="loadfile", **level(options))


def attack_tests(options):
    return run_pytest("tests/attack", options.name, **level(options))


def client_tests(options):
    return run_pytest("tests/clients", options.name)


def mcp_tests(options):
    return run_pytest("tests/mcp", options.name, python_with("tests/mcp/requirements.txt"))


def web_page_tests(options):
    return run_pytest("tests/web", options.name, python_with("tests/web/requirements.txt"), side_by_side="load", **level(options))


def course_tests(options):
    return run_pytest("tests/course", options.name, side_by_side="load")


def course_gates(options):
    return run_pytest("tests/course_all", options.name, side_by_side="load")


def llama_cpp_tests(options):
    return run_pytest("tests/llama_cpp", options.name, python_with("tests/llama_cpp/requirements.txt"))


def differential_tests(options):
    python = python_with("tests/differential/requirements.txt")
    return run_pytest("tests/differential", options.name, python, **level(options))


def microbench_tests(options):
    return build("release", "microbench") or run_pytest("tests/bench", options.name)


def tool_tests(options):
    return run_pytest("tests/tools", options.name)


def layers(_):
    return check("tools/check_layers.py", [sys.executable, "tools/check_layers.py"])


def layout(_):
    return check("tools/format.sh --check", ["bash", "tools/format.sh", "--check"])


def isa(_):
    return check("tools/check_isa.sh", ["bash", "tools/check_isa.sh", BUILD / "release"])


def lint(_):
    return check("tools/run_clang_tidy.sh", ["bash", "tools/run_clang_tidy.sh"])


def models(options):
    """Fetches the models that tests use, so that no test has to skip."""
    result = Result()
    for name in ["smollm2-135m", "all-minilm-l6-v2"] + (["qwen2.5-coder-1.5b"] if options.long else []):
        result.add(check(f"tinyllm pull {name}", [BUILD / "release/tinyllm", "pull", name]))
    return result


def address_sanitizer(options):
    failure = build("asan", "unit_tests", "golden_tests", "fuzz_targets")
    if failure:
        return failure
    checks = {"ASAN_OPTIONS": "allocator_may_return_null=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
    measured = "*BoundedMemory*"  # ASan's own memory would be measured
    result = run_in_halves(BUILD / "asan/unit_tests", f"{options.pattern}:-{measured}", **checks)
    # Real models take minutes here and run no line that the small ones do not.
    result.add(run_gtest(BUILD / "asan/golden_tests", f"{options.pattern}:-*Real*", **checks))
    return result


def thread_sanitizer(options):
    failure = build("tsan", "unit_tests")
    settings = "halt_on_error=1 allocator_may_return_null=1"
    return failure or run_in_halves(BUILD / "tsan/unit_tests", options.pattern, fixed_addresses(), TSAN_OPTIONS=settings)


def fixed_addresses():
    """A prefix for TSan programs: clang 16's runtime does not know the random addresses of some newer kernels."""
    random_bits = Path("/proc/sys/vm/mmap_rnd_bits")
    return ["setarch", "-R"] if random_bits.exists() and int(random_bits.read_text()) > 28 else []


def aarch64(options):
    """Unit tests compiled for 64-bit Arm, under qemu; the kernels also on a CPU without dot products: scalar code."""
    result = check("tools/make_sysroot.sh", ["bash", "tools/make_sysroot.sh"])
    failure = (result if result.failed else None) or build("aarch64", "unit_tests")
    emulator = ["qemu-aarch64-static", "-L", BUILD / "aarch64/sysroot"]
    if failure:
        return failure
    program = BUILD / "aarch64/unit_tests"
    left_out = "JsonParse.*Keys*:*LinearTime*"  # an emulator's time says nothing
    if not options.long:  # loads of many requests: minutes each here, and the kernels under them are tested alone
        left_out += ":RandomLoad*:Constrained*:Drafts*:ModelDrafter*:OpenDraftModel*:ThinkingBudget*:EngineKvStore*:Scheduler*:KvBlocks*"
    result.add(run_in_halves(program, f"{options.pattern}:-{left_out}", emulator))
    result.add(run_gtest(program, "PickIsa.Override*:Cpu/QuantPanels.*", [*emulator, "-cpu", "cortex-a53"]))
    result.add(check("tools/check_isa.sh", ["bash", "tools/check_isa.sh", BUILD / "aarch64"]))
    return result


def fuzz(options):
    """Each target of the asan tree for a few seconds, from its corpus; new inputs are thrown away."""
    seconds = FUZZ_SECONDS["long" if options.long else "all"]
    result = Result()
    for source in sorted((ROOT / "tests/fuzz").glob("fuzz_*.cpp")):
        corpus = ROOT / "tests/fuzz/corpus" / source.stem.removeprefix("fuzz_")
        if not corpus.is_dir():
            result.add(Result(failed=[f"{source.name}: no corpus in {corpus.relative_to(ROOT)}"]))
            continue
        with tempfile.TemporaryDirectory() as found:
            limits = [f"-max_total_time={seconds}", "-timeout=5", "-rss_limit_mb=2048", f"-artifact_prefix={LOGS}/"]
            code, output = run([BUILD / "asan" / source.stem, *limits, found, corpus])
        runs = re.search(r"Done (\d+) runs", output)
        if code != 0 or not runs:
            result.add(Result(failed=[source.stem], output=output))
        else:
            print(f"   {source.stem}: {runs.group(1)} inputs")
            result.n_passed += 1
    return result


FAST = [
    ("unit tests", unit_tests),
    ("engine, a step behind", lag_tests),
    ("golden tests", golden_tests),
    ("command line", command_line_tests),
    ("course", course_tests),
]
GATES = [
    ("attacks", attack_tests),
    ("MCP servers", mcp_tests),
    ("web page", web_page_tests),
    ("llama.cpp", llama_cpp_tests),
    ("differential", differential_tests),
    ("microbench", microbench_tests),
]
LONG = [("clients of others", client_tests)]
CHECKS = [("layers", layers), ("format", layout), ("ISA objects", isa), ("tools", tool_tests), ("clang-tidy", lint)]
OTHER_BUILDS = [
    ("address sanitizer", address_sanitizer),
    ("thread sanitizer", thread_sanitizer),
    ("fuzzing", fuzz),
    ("aarch64", aarch64),
    ("course gates", course_gates),  # last: they take long and say least about the engine
]


def minutes(seconds):
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.1f} s"


def skipped_lines(skipped):
    """A line for each skipped test with its reason; one for all, where more than three lack the same thing."""
    by_reason = {}
    for name, reason in dict.fromkeys(skipped):  # a test may run in several builds
        by_reason.setdefault(reason, []).append(name)
    for reason, names in by_reason.items():
        if len(names) <= 3:
            yield from (f"skipped: {name}: {reason}" for name in names)
        else:
            suites = sorted({name.split("/")[0].split(".")[0] for name in names})
            yield f"skipped: {len(names)} tests ({', '.join(suites)}): {reason}"


def main():
    parser = argparse.ArgumentParser(prog="./tiny test", description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="everything that CI runs")
    parser.add_argument("--long", action="store_true", help="also the soaks: longer fuzzing, the larger model")
    parser.add_argument("name", nargs="?", default="", help="only tests whose name holds this")
    parser.add_argument("--first-word", action="store_true", help="with --all: measure clone to first word as well")
    options = parser.parse_args()
    options.pattern = f"*{options.name}*" if options.name else "*"

    LOGS.mkdir(parents=True, exist_ok=True)
    stages = FAST
    if options.all or options.long:
        stages = [("build", release_build)] + CHECKS + [("models", models)] + FAST + GATES + OTHER_BUILDS
        stages += LONG if options.long else []
        if options.first_word:
            stages.insert(0, ("first word", first_word))
    total, times = Result(), []
    first_start = time.monotonic()
    for title, stage in stages:
        started = time.monotonic()
        print(f"-- {title}", flush=True)
        elapsed = started - first_start
        if elapsed > LATEST_START_S and not options.long:
            result = Result(skipped=[(title, f"{minutes(elapsed)} had passed; ./tiny test --long runs all, however long it takes")])
        else:
            result = stage(options)
        times.append((title, time.monotonic() - started, result))
        print(f"   {title}: {minutes(times[-1][1])}", flush=True)
        sys.stdout.write(result.output if result.failed else "")
        total.add(result)

    print()
    for title, seconds, result in times:
        counts = f"{result.n_passed} passed, {len(result.failed)} failed, {len(result.skipped)} skipped"
        print(f"{title:<18}{minutes(seconds):>10}   {counts}")
    for line in skipped_lines(total.skipped):
        print(line)
    for name in total.failed:
        print(f"failed: {name}")
    print(f"{total.n_passed} passed, {len(total.failed)} failed, {len(total.skipped)} skipped")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
