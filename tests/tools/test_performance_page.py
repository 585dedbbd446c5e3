"""docs/performance.md shows what bench/tables.py makes of the results files, and README.md quotes the same figures."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"<!-- bench/tables\.py (\S+) -->\n(.*?)\n<!-- end -->", re.DOTALL)


def table_of(results):
    done = subprocess.run([sys.executable, "bench/tables.py", results], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_page_shows_the_results_files():
    blocks = BLOCK.findall((ROOT / "docs/performance.md").read_text())
    assert len(blocks) == 3
    for results, shown in blocks:
        assert shown == table_of(results), f"docs/performance.md: the table of {results} is another"


def test_every_results_file_of_a_cpu_is_on_the_page():
    page = (ROOT / "docs/performance.md").read_text()
    for path in (ROOT / "bench/results").glob("*.json"):
        assert f"bench/results/{path.name}" in page or path.name.endswith("-kernels.json"), path.name


def test_the_readme_quotes_the_results_file():
    rows = [line.split("|") for line in table_of("bench/results/amd-epyc-family-26-model-2.json").splitlines()]
    figures = {row[2].strip(): [cell.strip() for cell in row[3:6]] for row in rows[2:6]}
    readme = (ROOT / "README.md").read_text()
    quoted = {}
    for line in readme[readme.index("## How fast") :].splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 7 and cells[2].startswith("AVX"):
            program = cells[1].split(" (")[0]
            quoted[f"{program}, {cells[2]}"] = [cell.replace("not measured", "-") for cell in cells[3:6]]
    assert quoted == figures
