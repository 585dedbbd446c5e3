"""The figures of 1.1-attention."""

from drawing import here

FIGURES = {
    "here.svg": lambda: here("attention"),
}
