#!/usr/bin/env python3
"""Draws the roofline of the CPU kernels as SVG from what `./tiny microbench --json` wrote.

usage: python3 bench/roofline.py bench/results/CPU-kernels.json docs/roofline.svg
"""

import json
import math
import sys
from pathlib import Path

WIDTH, HEIGHT = 980, 536
PLOT_W, PLOT_H, TOP, LEFT, GAP = 400, 340, 108, 72, 64
X_RANGE, Y_RANGE = (0.4, 4000), (4, 2000)
# Tile format, what it holds, colour.
FORMATS = [
    ("w4k", "Q4_K", "#0072b2"),
    ("w6k16", "Q6_K", "#d55e00"),
    ("w8s", "Q8_0", "#009e73"),
    ("bf16", "BF16", "#9a5ba6"),
]
TITLES = {"avx512": "AVX-512 VNNI", "avxvnni": "AVX-VNNI", "avx2": "AVX2"}
INK, MUTED, GRID = "#1f2328", "#6b7280", "#e5e7eb"


def text(x, y, words, size=12, fill=INK, anchor="start", weight="normal", extra=""):
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" text-anchor="{anchor}" '
        f'font-weight="{weight}"{extra}>{words}</text>'
    )


def line(x1, y1, x2, y2, stroke, width=1.0, extra=""):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" stroke-width="{width}"{extra}/>'


def along(value, bounds):
    low, high = (math.log(bound) for bound in bounds)
    return (math.log(value) - low) / (high - low)


class Plot:
    """One instruction set: roofs, and each format's points from one token to 512."""

    def __init__(self, report, isa, left):
        self.report, self.isa, self.left = report, isa, left
        self.bandwidth = report["read_bandwidth_gb_s"]
        self.limits = report["limits"][isa]

    def x(self, value):
        return self.left + PLOT_W * along(value, X_RANGE)

    def y(self, value):
        return TOP + PLOT_H * (1 - along(value, Y_RANGE))

    def points(self, tile):
        """(operations a byte, GOPS, tokens) with weights from memory."""
        found = []
        for row in self.report["kernels"]:
            parts = row["name"].split("/")
            if parts[0] == self.isa and parts[1] == tile and parts[-1] == "dram":
                found.append((row["gops"] / row["gb_s"], row["gops"], int(parts[2])))
        return sorted(found)

    def grid(self):
        out = [text(self.left, TOP - 14, TITLES.get(self.isa, self.isa), 15, weight="600")]
        for tick in (1, 10, 100, 1000):
            out.append(line(self.x(tick), TOP, self.x(tick), TOP + PLOT_H, GRID))
            out.append(text(self.x(tick), TOP + PLOT_H + 18, f"{tick:,}", fill=MUTED, anchor="middle"))
        for tick in (10, 100, 1000):
            out.append(line(self.left, self.y(tick), self.left + PLOT_W, self.y(tick), GRID))
            out.append(text(self.left - 8, self.y(tick) + 4, f"{tick:,}", fill=MUTED, anchor="end"))
        middle = self.left + PLOT_W / 2
        out.append(text(middle, TOP + PLOT_H + 40, "operations for each byte of weights read", anchor="middle"))
        return out

    def roofs(self):
        out = []
        peaks = [(self.limits["int8_gops"], "int8"), (self.limits["f32_gops"], "f32 FMA")]
        start = Y_RANGE[0] / self.bandwidth
        knee = peaks[0][0] / self.bandwidth
        out.append(line(self.x(max(start, X_RANGE[0])), self.y(max(start, X_RANGE[0]) * self.bandwidth), self.x(knee), self.y(peaks[0][0]), INK, 1.6))
        for peak, name in peaks:
            dash = "" if name == "int8" else ' stroke-dasharray="5 4"'
            out.append(line(self.x(peak / self.bandwidth), self.y(peak), self.left + PLOT_W, self.y(peak), INK, 1.6, dash))
            out.append(text(self.left + PLOT_W, self.y(peak) + (-7 if name == "int8" else 15), f"{name} {peak:,.0f} GOPS", 11, anchor="end"))
        slope = math.degrees(math.atan2(self.y(10) - self.y(100), self.x(100 / self.bandwidth) - self.x(10 / self.bandwidth)))
        at = 1.3
        turn = f' transform="rotate({-slope:.1f} {self.x(at):.1f} {self.y(at * self.bandwidth) - 8:.1f})"'
        out.append(text(self.x(at), self.y(at * self.bandwidth) - 8, f"memory {self.bandwidth:.1f} GB/s", 11, extra=turn))
        return out

    def series(self):
        out = []
        for tile, _, colour in FORMATS:
            points = self.points(tile)
            path = " ".join(f"{self.x(ops):.1f},{self.y(gops):.1f}" for ops, gops, _ in points)
            out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8" stroke-linejoin="round"/>')
            for ops, gops, n_tokens in points:
                title = f"<title>{tile}, {n_tokens} tokens: {gops:.0f} GOPS at {ops:.1f} operations a byte</title>"
                out.append(
                    f'<circle cx="{self.x(ops):.1f}" cy="{self.y(gops):.1f}" r="4" fill="{colour}" '
                    f'stroke="white" stroke-width="1.2">{title}</circle>'
                )
        for ops, gops, n_tokens in self.points("bf16"):  # the lowest curve has room below it
            word = f"{n_tokens} token" if n_tokens == 1 else str(n_tokens)
            out.append(text(self.x(ops) + 5, self.y(gops) + 17, word, 10.5, fill=MUTED))
        return out


def legend():
    out, x = [], LEFT
    for _, name, colour in FORMATS:
        out.append(f'<circle cx="{x + 5}" cy="{HEIGHT - 20}" r="5" fill="{colour}"/>')
        out.append(text(x + 16, HEIGHT - 16, name))
        x += 78
    out.append(text(x + 10, HEIGHT - 16, "one core; points from left to right: more and more tokens together, weights from memory", fill=MUTED))
    return out


def main():
    report = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    shown = [isa for isa in ("avx512", "avx2") if report["limits"].get(isa, {}).get("int8_gops")]
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="system-ui, Helvetica, Arial, sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        text(LEFT, 36, "How near the panel kernels come to what the machine can do", 18, weight="600"),
        text(LEFT, 58, report.get("cpu", ""), 12, fill=MUTED),
    ]
    for i, isa in enumerate(shown):
        plot = Plot(report, isa, LEFT + i * (PLOT_W + GAP))
        out += plot.grid() + plot.roofs() + plot.series()
    turn = f' transform="rotate(-90 22 {TOP + PLOT_H / 2})"'
    out.append(text(22, TOP + PLOT_H / 2, "GOPS (10⁹ operations a second)", anchor="middle", extra=turn))
    out += legend() + ["</svg>"]
    Path(sys.argv[2]).write_text("\n".join(out) + "\n", encoding="utf-8")


main()
