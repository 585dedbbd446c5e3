"""./tiny microbench in little time, and the roofline that is drawn from its report."""

import json
import math
import platform
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MICROBENCH = ROOT / "build/release/microbench"
TILES = ("w4k", "w6k16", "w8s", "bf16")  # of bench/roofline.py
TOKENS = (1, 2, 4, 8, 32, 512)


def isas():
    """The instruction sets of this CPU that have kernels (src/kernels/cpu/pick_isa.cpp)."""
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("NOT RUN: the peaks of this CPU's instruction sets are known on x86-64 only")
    flags = set(re.search(r"^flags\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)[1].split())
    needs = {
        "avx2": {"avx2", "fma", "f16c"},
        "avxvnni": {"avx2", "fma", "f16c", "avx_vnni"},
        "avx512": {"avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vbmi", "avx512_vnni"},
    }
    needs["avx512bf16"] = needs["avx512"] | {"avx512_bf16"}
    needs["amx"] = needs["avx512bf16"] | {"amx_tile", "amx_bf16"}
    return {isa for isa, wanted in needs.items() if wanted <= flags}


@pytest.fixture(scope="module")
def report_file(tmp_path_factory):
    """The JSON report of the kernels that the roofline shows, and of one row operator and one attention."""
    pattern = rf"^[^s][^/]*/(({'|'.join(TILES)}|bf16_pairs)/[0-9]+/dram|rms_norm/l2|attention bf16 of 512/1/l2)$"
    done = subprocess.run([MICROBENCH, "--json", "--min-time", "0.001", "--filter", pattern], capture_output=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, b""), done.stderr.decode()
    path = tmp_path_factory.mktemp("microbench") / "kernels.json"
    path.write_bytes(done.stdout)
    return path


def test_every_instruction_set_is_measured(report_file):
    report = json.loads(report_file.read_text())
    assert report["cpu"] and 0.5 < report["read_bandwidth_gb_s"] < 1000
    assert set(report["limits"]) == isas()
    for isa, limits in report["limits"].items():
        kinds = {"bf16_gops"} if isa in ("avx512bf16", "amx") else {"f32_gops", "int8_gops"}
        assert set(limits) == kinds and all(1 < gops < 100000 for gops in limits.values()), isa
        names = [row["name"].removeprefix(isa + "/") for row in report["kernels"] if row["name"].startswith(isa + "/")]
        if kinds == {"bf16_gops"}:  # for the rest it is another table
            wanted = [f"bf16_pairs/{n}/dram" for n in TOKENS]
        else:
            wanted = [f"{tile}/{n}/dram" for tile in TILES for n in TOKENS] + ["rms_norm/l2", "attention bf16 of 512/1/l2"]
        assert sorted(names) == sorted(wanted)


def test_every_figure_is_a_number(report_file):
    for row in json.loads(report_file.read_text())["kernels"]:
        has_products = "rms_norm" not in row["name"]
        assert math.isfinite(row["gb_s"]) and row["gb_s"] > 0, row
        assert math.isfinite(row["gops"]) and (row["gops"] > 0) == has_products, row
        assert ("share_of_limit" in row) == has_products, row
        if has_products:  # other programs may run, so a share says little; but it is one
            assert 0 < row["share_of_limit"] < 20, row


def test_the_table_names_what_the_json_names():
    done = subprocess.run([MICROBENCH, "--min-time", "0.001", "--filter", "^avx2/add/l2$"], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(r"one core reads memory at \d+\.\d GB/s\n", done.stdout)
    assert re.search(r"^avx2/add/l2 +\d+\.\d +0\.0 +-$", done.stdout, re.M)


def test_without_a_filter_all_but_scalar_kernels_are_measured():
    done = subprocess.run([MICROBENCH, "--min-time", "0.001"], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    measured = re.findall(r"^(\w+)/(\S+/512/dram) ", done.stdout, re.M)
    assert {isa for isa, _ in measured} == isas()
    assert {f"{tile}/512/dram" for tile in TILES} <= {name for _, name in measured}


def test_a_filter_that_names_nothing_says_so():
    done = subprocess.run([MICROBENCH, "--filter", "avx1024"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "microbench: --filter 'avx1024' names no kernel" in done.stderr


def test_a_wrong_option_is_refused():
    done = subprocess.run([MICROBENCH, "--fast"], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("microbench: '--fast' is no option")


def draw(report_file, out):
    command = [sys.executable, ROOT / "bench/roofline.py", report_file, out]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_roofline_is_drawn_from_the_report(report_file, tmp_path):
    out = tmp_path / "roofline.svg"
    done = draw(report_file, out)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    svg = "{http://www.w3.org/2000/svg}"
    root = ElementTree.parse(out).getroot()
    width, height = map(float, root.get("viewBox").split()[2:])
    lines = root.findall(svg + "polyline")
    shown = isas() & {"avx512", "avx2"}
    assert len(lines) == len(TILES) * len(shown)
    for line in lines:
        points = [tuple(map(float, point.split(","))) for point in line.get("points").split()]
        assert len(points) == len(TOKENS)
        assert points == sorted(points)  # more tokens, more operations a byte
        assert all(0 < x < width and 0 < y < height for x, y in points)
    words = " ".join(text.text for text in root.findall(svg + "text"))
    assert all(word in words for word in ("Q4_K", "Q6_K", "Q8_0", "BF16", "memory", "int8", "f32 FMA"))
    assert not re.search(r"\b(nan|inf)\b", out.read_text())


def test_a_committed_report_can_still_be_drawn(tmp_path):
    """bench/results/*-kernels.json are what docs/roofline.svg comes from."""
    reports = sorted((ROOT / "bench/results").glob("*-kernels.json"))
    assert reports
    for report in reports:
        done = draw(report, tmp_path / "out.svg")
        assert (done.returncode, done.stderr) == (0, ""), report
