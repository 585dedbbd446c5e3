"""The figures of 0.1-first-words."""

from drawing import STATIONS, here

FIGURES = {
    "here.svg": lambda: here(*(name for name, _, _ in STATIONS)),
}
