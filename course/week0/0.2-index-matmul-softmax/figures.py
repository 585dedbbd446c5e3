"""The figures of 0.2-index-matmul-softmax."""

from drawing import here

FIGURES = {
    "here.svg": lambda: here("attention", "MLP", "head"),
}
