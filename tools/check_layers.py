#!/usr/bin/env python3
"""Holds src/ to the table of docs/architecture.md: includes go down, nothing goes in circles, files stay small.

Fails on: an include that the table does not allow, a header that a file sees through others though its row does not name
the folder, an include of a file that does not exist, a folder without a row, a cycle between files or folders, a heavy
header outside its fence, a type that two files define, a file over 500 lines. Names functions that are too long.

What a file sees: the headers that it includes, those that these include, and so on. So a public header may only include
what everybody who includes it may see. A row allows a folder in brackets to be seen and not to be included: "cache (tensor)".
Tests may see everything; what they include is checked all the same.
"""

import argparse
import re
import sys
from collections import deque
from pathlib import Path
from typing import NamedTuple

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
MAX_KERNEL_LINES = 120  # kernels and forwards that read top to bottom
KERNEL_FOLDERS = ("kernels", "reference")

# Heavy headers and the files that may include them (STYLE: they cost seconds each).
FENCES = {
    "nlohmann/json.hpp": r".*\.cpp|.*_test\.h",
    "spdlog/": r"base/log\.cpp",
    "CLI/": r"apps/.*\.cpp",
    "toml++/": r"learn/toml_file\.cpp",
    "curl/": r".*\.cpp",
    "sqlite3": r"retrieval/database\.cpp",
    "cmark": r"retrieval/read_markdown\.cpp",
    "gumbo": r"retrieval/read_html\.cpp",
    "boost/": r"server/http_.*",
    "prometheus/": r"server/server_metrics\.cpp",
    "cuda_": r"kernels/cuda/.*",
    "cublas": r"kernels/cuda/.*",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
# One alternative a token: comments, raw string, string, digit separator, character.
NOISE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|\b\'(?=\w)|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL
)
NO_FUNCTION = re.compile(r"\b(namespace|class|struct|enum|union|extern)\b")
NAMESPACE = re.compile(r"\bnamespace\s*([\w:]*)\s*$")
# The head of a type's definition, neither nested (Engine::State) nor a specialisation (Hash<Key>).
TYPE = re.compile(r"\b(?:class|struct|union)\s+(?:\[\[.*?\]\]\s*)?(\w+)(?:\s+final)?\s*(?::(?!:)[^;{]*)?$")
ENUM = re.compile(r"\benum(?:\s+(?:class|struct))?\s+(\w+)\s*(?::(?!:)[^;{]*)?$")
TEST = re.compile(r".*_test\.(cpp|h)")


class Row(NamedTuple):
    """Folders whose headers a folder may include, and those that it may only see through these."""

    include: set
    see: set


def read_table(text):
    """{folder: Row} from the Markdown table whose first column is `folder`."""
    rows = {}
    in_table = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[0] == "folder":
            in_table = True
        elif not line.startswith("|"):
            in_table = False
        elif in_table and not set(cells[0]) <= set("-:"):
            for folder in re.findall(r"`([^`]+)/`", cells[0]):
                in_brackets = re.findall(r"\(([^)]*)\)", cells[1])
                include = re.sub(r"\([^)]*\)", " ", cells[1]).split()
                rows[folder] = Row({"base", *include}, {name for names in in_brackets for name in names.split()})
    return rows


def folder_of(path, rows):
    """The longest row that holds the file, or None."""
    folder = path
    while "/" in folder:
        folder = folder.rpartition("/")[0]
        if folder in rows:
            return folder
    return None


def find_cycle(graph):
    """A list of nodes that leads from one back to itself, or None. graph: {node: set of nodes}."""
    done, path = set(), []

    def visit(node):
        if node in path:
            return path[path.index(node) :] + [node]
        if node in done:
            return None
        path.append(node)
        for target in sorted(graph.get(node, ())):
            cycle = visit(target)
            if cycle:
                return cycle
        path.pop()
        done.add(node)
        return None

    for node in sorted(graph):
        cycle = visit(node)
        if cycle:
            return cycle
    return None


def blank_noise(text):
    """The text without comments and literals: as many lines, and every brace left is code."""
    return NOISE.sub(lambda match: "\n" * match.group().count("\n"), text)


def brace_kind(head, parent):
    """What a `{` opens, from the text before it: "scope", "function", "inner" (of a function) or "initialiser"."""
    if parent in ("function", "inner"):
        return "inner"
    if parent == "initialiser" or not head[-1:].isspace() or head.rstrip().endswith("="):
        return "initialiser"  # clang-format sets a space before every other brace
    before_parameters = re.sub(r"\btemplate\s*<[^;{}]*?>\s", "", head).split("(")
    if len(before_parameters) == 1 or NO_FUNCTION.search(before_parameters[0]):
        return "scope"
    return "function"


def functions(text):
    """(first line, number of lines) of each function that stands in a file, a namespace or a class."""
    text = blank_noise(text)
    text = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", lambda match: "\n" * match.group().count("\n"), text, flags=re.MULTILINE)
    open_braces = [("scope", 0)]  # (kind, offset of its first word)
    start = 0  # offset behind the last `;`, `{` or `}`; an initialiser's braces do not count
    for match in re.finditer(r"[;{}]", text):
        head = text[start : match.start()]
        if match.group() == "{":
            kind = brace_kind(head, open_braces[-1][0])
            open_braces.append((kind, start + len(head) - len(head.lstrip())))
        elif match.group() == "}" and len(open_braces) > 1:
            kind, first = open_braces.pop()
            if kind == "function":
                line = text.count("\n", 0, first) + 1
                yield line, text.count("\n", 0, match.end()) + 2 - line
        else:
            kind = open_braces[-1][0]
        if kind != "initialiser":
            start = match.end()


def types(text):
    """Full names of the types that a file defines for the whole program: in a named namespace, in no class or function."""
    text = blank_noise(text)
    scopes = []  # names of namespaces; "" for one without a name, None for any other brace
    start = 0
    for match in re.finditer(r"[;{}]", text):
        head = text[start : match.start()]
        start = match.end()
        if match.group() == "{":
            namespace = NAMESPACE.search(head)
            found = TYPE.search(head) or ENUM.search(head)
            if found and not namespace and scopes and all(scopes):
                yield "::".join([*scopes, found[1]])
            scopes.append(namespace[1] if namespace else None)
        elif match.group() == "}" and scopes:
            scopes.pop()


def chains(path, file_graph):
    """{file that `path` sees: the shortest chain of files from `path` to it}."""
    found = {}
    waiting = deque([[path]])
    while waiting:
        chain = waiting.popleft()
        for target in sorted(file_graph.get(chain[-1], ())):
            if target not in found and target != path:
                found[target] = [*chain, target]
                waiting.append(found[target])
    return found


def check_sight(rows, file_graph):
    """Faults: what a folder's files see though its row does not say so, the shortest chain a pair of folders; and rows that
    say too much."""
    seen = {}  # (folder, folder that it sees and may not include): shortest chain
    for path in file_graph:
        folder = folder_of(path, rows)
        if TEST.fullmatch(path):
            continue
        for target, chain in chains(path, file_graph).items():
            pair = (folder, folder_of(target, rows))
            if pair[1] in (None, folder) or pair[1] in rows[folder].include:
                continue
            if pair not in seen or len(chain) < len(seen[pair]):
                seen[pair] = chain
    for (folder, target), chain in sorted(seen.items()):
        if target not in rows[folder].see:
            yield (
                f"src/{chain[0]}: sees {chain[-1]} through {' -> '.join(chain[1:-1])}, but the row of {folder}/ does not name"
                f" {target}; include less there, or write ({target}) into the row"
            )
    for folder, row in sorted(rows.items()):
        for target in sorted(row.see):
            if (folder, target) not in seen:
                yield f"docs/architecture.md: the row of {folder}/ names ({target}), which none of its files needs to see"


def check_types(texts):
    """Faults: types that two files define. A program that holds both would have one name for two things."""
    places = {}
    for path, text in texts.items():
        for name in types(text):
            places.setdefault(name, []).append(path)
    for name, found in sorted(places.items()):
        if len(found) > 1:
            yield f"{name} is defined in {' and in '.join('src/' + path for path in found)}; rename one"


def check(root):
    """(faults, warnings): lists of one-line texts about root/src."""
    rows = read_table((root / "docs/architecture.md").read_text(encoding="utf-8"))
    source = root / "src"
    paths = sorted(p.relative_to(source).as_posix() for p in source.rglob("*") if p.suffix in (".cpp", ".h", ".cu", ".cuh"))
    faults, warnings = [], []
    file_graph, folder_graph, texts = {}, {}, {}

    for path in paths:
        folder = folder_of(path, rows)
        if folder is None:
            faults.append(f"src/{path}: its folder has no row in docs/architecture.md")
            continue
        text = texts[path] = (source / path).read_text(encoding="utf-8")
        for quoted, angled in INCLUDE.findall(text):
            for heavy, fence in FENCES.items():
                if (quoted or angled).startswith(heavy) and not re.fullmatch(fence, path):
                    faults.append(f"src/{path}: includes {quoted or angled}, allowed only in {fence}")
            if not quoted:
                continue
            if quoted not in paths:
                faults.append(f'src/{path}: includes "{quoted}", which is no file of src/ (paths start at src/)')
                continue
            target = folder_of(quoted, rows)
            file_graph.setdefault(path, set()).add(quoted)
            if target in (None, folder):
                continue
            folder_graph.setdefault(folder, set()).add(target)
            if target not in rows[folder].include:
                allowed = " ".join(sorted(rows[folder].include))
                faults.append(f"src/{path}: includes {quoted}, but {folder}/ may include only {allowed}")

        n_lines = text.count("\n")
        if n_lines > MAX_FILE_LINES:
            faults.append(f"src/{path}: {n_lines} lines, at most {MAX_FILE_LINES}")
        is_kernel = path.startswith(tuple(f"{name}/" for name in KERNEL_FOLDERS)) and not path.endswith("_test.cpp")
        limit = MAX_KERNEL_LINES if is_kernel else MAX_FUNCTION_LINES
        for line, length in functions(text):
            if length > limit:
                warnings.append(f"src/{path}:{line}: a function of {length} lines, at most {limit}")

    if not faults:  # an include that is wrong would be told again by everybody who sees it
        faults += check_sight(rows, file_graph)
    faults += check_types(texts)
    rows_graph = {folder: row.include - {folder} for folder, row in rows.items()}
    for what, graph in (("files", file_graph), ("folders", folder_graph), ("rows of the table", rows_graph)):
        cycle = find_cycle(graph)
        if cycle:
            faults.append(f"a cycle between {what}: {' -> '.join(cycle)}")
    return faults, warnings


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).resolve().parent.parent)
    faults, warnings = check(parser.parse_args().root)
    for text in warnings:
        print(f"warning: {text}")
    for text in faults:
        print(f"error: {text}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
