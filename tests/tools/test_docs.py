"""Links inside the documentation lead somewhere: to a file of the repository, and to a heading that is there."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def pages():
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split() if (ROOT / name).exists()]


def anchor(heading):
    """As GitHub makes it: lower case, no punctuation, dashes for spaces."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(path):
    return {anchor(line.lstrip("#")) for line in path.read_text().splitlines() if line.startswith("#")}


@pytest.mark.parametrize("name", pages())
def test_links_lead_somewhere(name):
    page = ROOT / name
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue  # another site
        file, _, heading = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        assert path.exists(), f"{name}: {target} is not there"
        if heading:
            assert heading in anchors(path), f"{name}: {target} has no such heading"


def test_the_table_of_clients_names_the_tested_versions():
    """A version that is not the one under test would be a claim that nobody has seen."""
    rows = re.findall(r"^\| ([\w-]+) \| ([\d.]+) \|", (ROOT / "docs/serving.md").read_text(), re.MULTILINE)
    tested = [path.read_text() for path in (ROOT / "tests/clients").glob("*/requirements.txt")]
    wanted = {re.sub(r"\[.*\]", "", line).strip() for text in tested for line in text.splitlines() if not line.startswith("#")}
    assert {f"{name}=={version}" for name, version in rows} == wanted and len(wanted) == 11


def test_requests_of_the_pages_say_their_type():
    """The server refuses a body that does not say that it is JSON."""
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for block in page.read_text().split("```")[1::2]:
            for command in block.split("curl ")[1:]:
                assert " -d " not in command or "Content-Type: application/json" in command, f"{page.name}: {command[:80]}"
