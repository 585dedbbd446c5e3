#!/usr/bin/env python3
"""Makes the pictures of the README from the real program: docs/chat.svg, a recording of `./tiny chat` at a terminal, and
docs/web-page.png, the page of `./tiny serve` after two questions.

Run it on a quiet machine, because both show speeds. It needs the release build, the model smollm2-135m, the packages pyte
and playwright (`pip install pyte playwright`) and chromium.

usage: tools/make_pictures.py [chat] [page]
"""

import os
import shutil
import sys
import tempfile
import time
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
COLUMNS, ROWS = 84, 20
QUESTIONS = ["What is the capital of France?", "Name three planets."]
SECONDS_A_KEY = 0.04
SECONDS_TO_READ = 1.5
TICK = 0.05  # seconds between two looks at the screen


class Recording:
    """What the screen showed, and when: a list of (seconds, rows)."""

    def __init__(self):
        import pyte

        self.screen = pyte.Screen(COLUMNS, ROWS)
        self.stream = pyte.Stream(self.screen)
        self.frames = []
        self.started = time.monotonic()

    def feed(self, text):
        self.stream.feed(text)
        rows = [row.rstrip() for row in self.screen.display]
        if not self.frames or self.frames[-1][1] != rows:
            self.frames.append((time.monotonic() - self.started, rows))


def record_chat():
    from terminal import Terminal

    recording = Recording()
    shown = 0

    def watch(program, seconds):
        nonlocal shown
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            program.read(TICK)
            recording.feed(program.raw[shown:])
            shown = len(program.raw)

    def type_line(program, line):
        for key in line:
            program.type(key)
            watch(program, SECONDS_A_KEY)
        program.type("\r")

    recording.feed("$ ")
    for key in "./tiny chat":
        recording.feed(key)
        time.sleep(SECONDS_A_KEY)
    recording.feed("\r\n")
    environment = {**os.environ, "TERM": "xterm-256color", "LINES": str(ROWS)}
    with tempfile.TemporaryDirectory() as home:  # no line editor history of mine
        program = Terminal([ROOT / "tiny", "chat"], {**environment, "XDG_STATE_HOME": home}, columns=COLUMNS)
        for n_asked, question in enumerate(QUESTIONS, 1):
            while program.text.count("> ") < n_asked:
                watch(program, TICK)
            watch(program, 0.5)
            type_line(program, question)
            while program.text.count(" tok/s") < n_asked:
                watch(program, TICK)
            watch(program, SECONDS_TO_READ)
        program.type("\x04")
        program.exit_code()
    return recording.frames


def lives(frames, seconds):
    """(row, text, from, to) of everything that any row showed."""
    for row in range(ROWS):
        begin, text = 0.0, ""
        for at, rows in [*frames, (seconds, [""] * ROWS)]:
            if rows[row] != text:
                if text:
                    yield row, text, begin, at
                begin, text = at, rows[row]


def write_svg(frames, path):
    """One <text> for each state of each row, which <animate> shows from its first to its last moment."""
    seconds = frames[-1][0] + SECONDS_TO_READ
    n_rows = max(row for row, *_ in lives(frames, seconds)) + 1
    char_width, line_height, margin = 8.4, 19, 14
    width, height = round(COLUMNS * char_width + 2 * margin), n_rows * line_height + 2 * margin
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        "<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d8dee9;white-space:pre}"
        ".you{fill:#88c0d0}.note{fill:#7b869b}</style>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#20242c"/>',
    ]
    for row, text, begin, end in lives(frames, seconds):
        kind = ' class="you"' if text.startswith(("> ", "$ ")) else ' class="note"' if text.endswith("tok/s") else ""
        times = f"0;{begin / seconds:.4f};{min(end / seconds, 1):.4f}"
        lines.append(
            f'<text x="{margin}" y="{margin + (row + 1) * line_height - 5}"{kind} visibility="hidden">{escape(text)}'
            f'<animate attributeName="visibility" calcMode="discrete" values="hidden;visible;hidden" keyTimes="{times}"'
            f' dur="{seconds:.1f}s" repeatCount="indefinite"/></text>'
        )
    path.write_text("\n".join([*lines, "</svg>", ""]))


def photograph_page(path):
    from playwright.sync_api import sync_playwright
    from running_server import RunningServer

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        command = [ROOT / "build/release/tinyllm", "serve", "--kv-blocks", "512"]
        server = RunningServer(command, dict(os.environ), Path(folder) / "log").start()
        try:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1000, "height": 640})
            page.goto(f"http://127.0.0.1:{server.port}/")
            page.locator("#model", has_text="SmolLM2").wait_for()
            for question in ["What is the capital of France?", "Write a Python function that adds two numbers."]:
                page.locator("#input").fill(question)
                page.locator("#input").press("Enter")
                page.locator("#stop").wait_for()
                page.locator("#send").wait_for(timeout=60000)
            page.screenshot(path=str(path))
            browser.close()
        finally:
            server.stop()


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["chat", "page"]
    if "chat" in wanted:
        write_svg(record_chat(), ROOT / "docs/chat.svg")
    if "page" in wanted:
        photograph_page(ROOT / "docs/web-page.png")
