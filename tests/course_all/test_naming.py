"""How many mistakes with wrong numbers `explain` names. They are written as learners write them, not as the bank holds them."""

import pytest
from learner import RMS_NORM, other_way

NORM_HEAD = RMS_NORM.split("  float sum")[0]
SOFTMAX_HEAD = '#include "kernels/cpu/scalar/softmax.h"\n#include <cmath>\n#include <vector>\nvoid tinyllm::scalar::softmax(float* x, std::int64_t n) {\n'
MATMUL_HEAD = """#include "kernels/cpu/scalar/matmul.h"
void tinyllm::scalar::matmul(const float* a, std::int64_t a_stride, const float* b, std::int64_t b_stride, float* out,
                             std::int64_t out_stride, std::int64_t n_m, std::int64_t n_n, std::int64_t n_k) {
"""
LOOPS = "for (std::int64_t m = 0; m < n_m; m++) for (std::int64_t n = 0; n < n_n; n++)"

# Public courses' forums and issues tell of these; each is one slip, and its numbers are wrong.
NORMS = {
    "eps beside the root": "double s = 0; for (int i = 0; i < n; i++) s += x[i] * x[i];\n"
                           "for (int i = 0; i < n; i++) out[i] = x[i] / (std::sqrt(s / n) + eps) * weight[i];",
    "no eps": "double s = 0; for (int i = 0; i < n; i++) s += x[i] * x[i];\nfor (int i = 0; i < n; i++) out[i] = x[i] / std::sqrt(s / n) * weight[i];",
    "eps before the mean": "float s = eps; for (int i = 0; i < n; i++) s += std::pow(x[i], 2);\n"
                           "for (int i = 0; i < n; i++) out[i] = weight[i] * x[i] / std::sqrt(s / n);",
    "n - 1": "float s = 0; for (int i = 0; i < n; i++) s += x[i] * x[i];\n"
             "float r = std::sqrt(s / (n - 1) + eps); for (int i = 0; i < n; i++) out[i] = x[i] / r * weight[i];",
    "standard deviation": "double mu = 0, s = 0; for (int i = 0; i < n; i++) mu += x[i]; mu /= n;\n"
                          "for (int i = 0; i < n; i++) s += (x[i] - mu) * (x[i] - mu);\nfor (int i = 0; i < n; i++) out[i] = x[i] / std::sqrt(s / n + eps) * weight[i];",
    "the sum, no mean": "float s = 0; for (int i = 0; i < n; i++) s += x[i] * x[i];\n"
                        "for (int i = 0; i < n; i++) out[i] = x[i] / std::sqrt(s + eps) * weight[i];",
    "no weight": "float s = 0; for (int i = 0; i < n; i++) s += x[i] * x[i];\n"
                 "for (int i = 0; i < n; i++) out[i] = x[i] / std::sqrt(s / n + eps);",
    "sqrt for rsqrt": "float s = 0; for (int i = 0; i < n; i++) s += x[i] * x[i];\nfloat f = std::sqrt(s / n + eps);\n"
                      "for (int i = 0; i < n; i++) out[i] = x[i] * f * weight[i];",
    "an int sum": "int s = 0; for (int i = 0; i < n; i++) s += x[i] * x[i];\n"
                  "for (int i = 0; i < n; i++) out[i] = x[i] / std::sqrt(s / (float)n + eps) * weight[i];",
    "Gemma's weight": "float s = 0; for (int i = 0; i < n; i++) s += x[i] * x[i];\n"
                      "for (int i = 0; i < n; i++) out[i] = x[i] / std::sqrt(s / n + eps) * (weight[i] + 1);",
    "integer division": "std::int64_t s = 0; for (int i = 0; i < n; i++) s += x[i] * x[i];\n"
                        "for (int i = 0; i < n; i++) out[i] = x[i] / std::sqrt(s / n + eps) * weight[i];",
}  # fmt: skip
SOFTMAXES = {
    "no maximum": "float s = 0; for (int i = 0; i < n; i++) s += std::exp(x[i]);\nfor (int i = 0; i < n; i++) x[i] = std::exp(x[i]) / s;",
    "maximum from 0": "float m = 0; for (int i = 0; i < n; i++) if (x[i] > m) m = x[i];\nfloat s = 0;\n"
                      "for (int i = 0; i < n; i++) s += x[i] = std::exp(x[i] - m);\nfor (int i = 0; i < n; i++) x[i] /= s;",
    "no division": "float m = x[0]; for (int i = 0; i < n; i++) m = std::fmax(m, x[i]);\nfor (int i = 0; i < n; i++) x[i] = std::exp(x[i] - m);",
    "sum before exp": "float m = x[0]; for (int i = 0; i < n; i++) m = std::fmax(m, x[i]);\nfloat s = 0; for (int i = 0; i < n; i++) s += x[i];\n"
                      "for (int i = 0; i < n; i++) x[i] = std::exp(x[i] - m) / s;",
    "running division": "float m = x[0]; for (int i = 0; i < n; i++) m = std::fmax(m, x[i]);\nfloat s = 0;\n"
                        "for (int i = 0; i < n; i++) { float e = std::exp(x[i] - m); s += e; x[i] = e / s; }",
    "an int sum": "float m = x[0]; for (int i = 0; i < n; i++) m = std::fmax(m, x[i]);\nint s = 0;\n"
                  "for (int i = 0; i < n; i++) { x[i] = std::exp(x[i] - m); s += x[i]; }\nfor (int i = 0; i < n; i++) x[i] /= s;",
    "exp2": "float m = x[0]; for (int i = 0; i < n; i++) m = std::fmax(m, x[i]);\nfloat s = 0;\n"
            "for (int i = 0; i < n; i++) { x[i] = std::pow(2.0f, x[i] - m); s += x[i]; }\nfor (int i = 0; i < n; i++) x[i] /= s;",
    "minimum": "float m = x[0]; for (int i = 0; i < n; i++) m = std::fmin(m, x[i]);\nfloat s = 0;\n"
               "for (int i = 0; i < n; i++) { x[i] = std::exp(x[i] - m); s += x[i]; }\nfor (int i = 0; i < n; i++) x[i] /= s;",
    "a mean": "float m = x[0]; for (int i = 0; i < n; i++) m = std::fmax(m, x[i]);\nfor (int i = 0; i < n; i++) x[i] = std::exp(x[i] - m) / n;",
    "a copy that is too short": "std::vector<float> e; float m = x[0]; for (int i = 0; i < n; i++) m = std::fmax(m, x[i]);\nfloat s = 0;\n"
                                "for (int i = 0; i < n; i++) { e.push_back(std::exp(x[i] - m)); s += e.back(); }\nfor (int i = 0; i + 1 < n; i++) x[i] = e[i] / s;",
    "absolute scores": "float m = x[0]; for (int i = 0; i < n; i++) m = std::fmax(m, x[i]);\nfloat s = 0;\n"
                       "for (int i = 0; i < n; i++) { x[i] = std::exp(-std::fabs(x[i])); s += x[i]; }\nfor (int i = 0; i < n; i++) x[i] /= s;",
}  # fmt: skip
MATMULS = {
    "sets": LOOPS + " { float s = 0; for (int k = 0; k < n_k; k++) s += a[m * a_stride + k] * b[n * b_stride + k]; out[m * out_stride + n] = s; }",
    "transposed out": LOOPS + " for (int k = 0; k < n_k; k++) out[n * out_stride + m] += a[m * a_stride + k] * b[n * b_stride + k];",
    "columns of b": LOOPS + " for (int k = 0; k < n_k; k++) out[m * out_stride + n] += a[m * a_stride + k] * b[k * b_stride + n];",
    "sum never reset": "float s = 0; " + LOOPS + " { for (int k = 0; k < n_k; k++) s += a[m * a_stride + k] * b[n * b_stride + k]; out[m * out_stride + n] += s; }",
    "one short": LOOPS + " for (int k = 0; k < n_k - 1; k++) out[m * out_stride + n] += a[m * a_stride + k] * b[n * b_stride + k];",
    "an int sum": LOOPS + " { int s = 0; for (int k = 0; k < n_k; k++) s += a[m * a_stride + k] * b[n * b_stride + k]; out[m * out_stride + n] += s; }",
    "no stride of out": LOOPS + " for (int k = 0; k < n_k; k++) out[m * n_n + n] += a[m * a_stride + k] * b[n * b_stride + k];",
    "no strides at all": LOOPS + " for (int k = 0; k < n_k; k++) out[m * n_n + n] += a[m * n_k + k] * b[n * n_k + k];",
    "b twice": LOOPS + " for (int k = 0; k < n_k; k++) out[m * out_stride + n] += b[n * b_stride + k] * b[n * b_stride + k];",
    "only the last product": LOOPS + " for (int k = 0; k < n_k; k++) out[m * out_stride + n] = a[m * a_stride + k] * b[n * b_stride + k];",
}  # fmt: skip
STRIDES = {
    "first fastest": "std::int64_t s = 1; for (int i = 0; i < n_dims; i++) { strides[i] = s; s *= dims[i]; }",
    "own dimension": "strides[n_dims - 1] = dims[n_dims - 1]; for (int i = n_dims - 2; i >= 0; i--) strides[i] = strides[i + 1] * dims[i];",
    "only the next": "strides[n_dims - 1] = 1; for (int i = 0; i + 1 < n_dims; i++) strides[i] = dims[i + 1];",
    "all ones": "for (int i = 0; i < n_dims; i++) strides[i] = 1;",
    "the dimensions": "for (int i = 0; i < n_dims; i++) strides[i] = dims[i];",
    "added": "std::int64_t s = 1; for (int i = n_dims - 1; i >= 0; i--) { strides[i] = s; s = s + dims[i]; }",
    "an own dimension too few": "strides[n_dims - 1] = 1; for (int i = n_dims - 2; i >= 0; i--) strides[i] = strides[i + 1] * dims[i];",
}  # fmt: skip


SDPA_HEAD = """#include "kernels/cpu/scalar/scaled_dot_product_attention.h"
#include <cmath>
#include <vector>
void tinyllm::scalar::scaled_dot_product_attention(const float* q, const float* k, const float* v, const float* mask, float* out,
    float* scores, std::int64_t n_queries, std::int64_t n_keys, std::int64_t head_dim, std::int64_t q_stride, std::int64_t kv_stride) {
  for (int i = 0; i < n_queries; i++) {
"""
SDPA_SCORES = "for (int j = 0; j < n_keys; j++) { float s = 0; for (int d = 0; d < head_dim; d++) s += q[i * q_stride + d] * k[j * kv_stride + d];\n"
SDPA_MASK = "scores[j] = s / std::sqrt((float)head_dim); if (mask) scores[j] += mask[i * n_keys + j]; }\n"
SDPA_SOFTMAX = "float m = scores[0], sum = 0; for (int j = 1; j < n_keys; j++) m = std::fmax(m, scores[j]);\n" \
               "for (int j = 0; j < n_keys; j++) sum += scores[j] = std::exp(scores[j] - m);\n"
SDPA_MIX = "for (int d = 0; d < head_dim; d++) { float o = 0; for (int j = 0; j < n_keys; j++) o += scores[j] / sum * v[j * kv_stride + d];\n" \
           "out[i * q_stride + d] = o; } }"
SDPA = SDPA_SCORES + SDPA_MASK + SDPA_SOFTMAX + SDPA_MIX
SDPAS = {
    "no scale": SDPA.replace("s / std::sqrt((float)head_dim)", "s"),
    "divided by head_dim": SDPA.replace("s / std::sqrt((float)head_dim)", "s / head_dim"),
    "times the root": SDPA.replace("s / std::sqrt((float)head_dim)", "s * std::sqrt((float)head_dim)"),
    "mask forgotten": SDPA.replace("if (mask) scores[j] += mask[i * n_keys + j];", ""),
    "mask multiplied": SDPA.replace("+= mask", "*= mask"),
    "mask of the first query": SDPA.replace("mask[i * n_keys + j]", "mask[j]"),
    "mask behind the softmax": SDPA.replace("if (mask) scores[j] += mask[i * n_keys + j];", "").replace(
        "o += scores[j] / sum * v", "o += (scores[j] / sum + (mask ? mask[i * n_keys + j] : 0)) * v"),
    "no softmax": SDPA_SCORES + SDPA_MASK + "float sum = 1;\n" + SDPA_MIX,
    "keys mixed": SDPA.replace("* v[j", "* k[j"),
    "the last value only": SDPA.replace("o += scores", "o = scores"),
    "added to out": SDPA.replace("out[i * q_stride + d] = o", "out[i * q_stride + d] += o"),
    "rows of out too near": SDPA.replace("out[i * q_stride + d]", "out[i * head_dim + d]"),
    "rows of q too near": SDPA.replace("q[i * q_stride + d]", "q[i * head_dim + d]"),
    "no division by the sum": SDPA.replace("scores[j] / sum", "scores[j]"),
}  # fmt: skip
ROPE_HEAD = """#include "kernels/cpu/scalar/rope_interleaved.h"
void tinyllm::scalar::rope_interleaved(float* x, const float* cos, const float* sin, std::int64_t head_dim) {
"""
ROPES = {
    "halves": "int h = head_dim / 2; for (int i = 0; i < h; i++) { float a = x[i], b = x[i + h]; x[i] = a * cos[i] - b * sin[i]; x[i + h] = b * cos[i] + a * sin[i]; }",
    "backwards": "for (int i = 0; i < head_dim; i += 2) { float a = x[i], b = x[i + 1]; x[i] = a * cos[i / 2] + b * sin[i / 2]; x[i + 1] = b * cos[i / 2] - a * sin[i / 2]; }",
    "two pluses": "for (int i = 0; i < head_dim; i += 2) { float a = x[i], b = x[i + 1]; x[i] = a * cos[i / 2] + b * sin[i / 2]; x[i + 1] = a * sin[i / 2] + b * cos[i / 2]; }",
    "in place": "for (int i = 0; i < head_dim / 2; i++) { x[2 * i] = x[2 * i] * cos[i] - x[2 * i + 1] * sin[i]; x[2 * i + 1] = x[2 * i] * sin[i] + x[2 * i + 1] * cos[i]; }",
    "one angle": "for (int i = 0; i < head_dim / 2; i++) { float a = x[2 * i], b = x[2 * i + 1]; x[2 * i] = a * cos[0] - b * sin[0]; x[2 * i + 1] = a * sin[0] + b * cos[0]; }",
    "cos for sin": "for (int i = 0; i < head_dim / 2; i++) { float a = x[2 * i], b = x[2 * i + 1]; x[2 * i] = a * sin[i] - b * cos[i]; x[2 * i + 1] = a * cos[i] + b * sin[i]; }",
    "too few pairs": "for (int i = 0; i < head_dim / 4; i++) { float a = x[2 * i], b = x[2 * i + 1]; x[2 * i] = a * cos[i] - b * sin[i]; x[2 * i + 1] = a * sin[i] + b * cos[i]; }",
    "half a turn": "for (int i = 0; i < head_dim / 2; i++) x[2 * i] = x[2 * i] * cos[i] - x[2 * i + 1] * sin[i];",
    "scaled twice": "for (int i = 0; i < head_dim / 2; i++) { float a = x[2 * i], b = x[2 * i + 1]; x[2 * i] = (a - b) * cos[i]; x[2 * i + 1] = (a + b) * sin[i]; }",
}  # fmt: skip
SILU_HEAD = '#include "kernels/cpu/scalar/silu.h"\n#include <cmath>\nvoid tinyllm::scalar::silu(const float* x, float* out, std::int64_t n) {\n'
SILUS = {
    "relu": "for (int i = 0; i < n; i++) out[i] = std::fmax(0.0f, x[i]);",
    "sigmoid": "for (int i = 0; i < n; i++) out[i] = 1 / (1 + std::exp(-x[i]));",
    "no minus": "for (int i = 0; i < n; i++) out[i] = x[i] / (1 + std::exp(x[i]));",
    "tanh": "for (int i = 0; i < n; i++) out[i] = std::tanh(x[i]);",
    "gelu by tanh": "for (int i = 0; i < n; i++) out[i] = 0.5f * x[i] * (1 + std::tanh(0.79788456f * (x[i] + 0.044715f * x[i] * x[i] * x[i])));",
    "quick gelu": "for (int i = 0; i < n; i++) out[i] = x[i] / (1 + std::exp(-1.702f * x[i]));",
    "one short": "for (int i = 0; i + 1 < n; i++) out[i] = x[i] / (1 + std::exp(-x[i]));",
    "x twice": "for (int i = 0; i < n; i++) out[i] = x[i] * x[i] / (1 + std::exp(-x[i]));",
}  # fmt: skip
TOP_P_HEAD = """#include "sampling/top_p.h"
#include <algorithm>
#include <cmath>
std::size_t tinyllm::keep_top_p(std::span<Candidate> c, float p) {
  if (p >= 1) return c.size();
  std::sort(c.begin(), c.end(), comes_before);
  double total = 0, sum = 0; for (auto& one : c) total += one.mass;
"""
TOP_PS = {
    "stops before": "std::size_t n = 0; while (n < c.size() && (sum += c[n].mass) < p * total) n++;\nreturn n;",
    "one more": "std::size_t n = 0; while (n < c.size() && sum <= p * total) sum += c[n++].mass;\nreturn std::min(n + 1, c.size());",
    "of the first": "std::size_t n = 0; while (n < c.size() && sum < p * c[0].mass) sum += c[n++].mass;\nreturn n;",
    "the rest": "std::size_t n = 0; while (n < c.size() && sum < (1 - p) * total) sum += c[n++].mass;\nreturn n;",
    "of the number": "return std::max<std::size_t>(1, std::ceil(p * c.size()));",
    "as sure as p": "std::size_t n = 0; while (n < c.size() && c[n].mass >= (1 - p) * c[0].mass) n++;\nreturn n;",
}  # fmt: skip


def strides_file(body):
    strides = other_way("index.strides")
    head, offset = strides[: strides.index("  for (int i")], strides[strides.index("std::int64_t tinyllm") :]
    return f"{head}{body}\n}}\n\n{offset}"


# Task: its file, the file of one mistake, the mistakes.
TASKS = {
    "norm.rms": ("week1/rms_norm.cpp", lambda body: f"{NORM_HEAD}{body}\n}}\n", NORMS),
    "softmax.row": ("week0/softmax.cpp", lambda body: f"{SOFTMAX_HEAD}{body}\n}}\n", SOFTMAXES),
    "matmul.naive": ("week0/matmul.cpp", lambda body: f"{MATMUL_HEAD}{body}\n}}\n", MATMULS),
    "index.strides": ("week0/strides.cpp", strides_file, STRIDES),
    "attention.sdpa": ("week1/scaled_dot_product_attention.cpp", lambda body: f"{SDPA_HEAD}{body}\n}}\n", SDPAS),
    "rope.interleaved": ("week1/rope_interleaved.cpp", lambda body: f"{ROPE_HEAD}{body}\n}}\n", ROPES),
    "mlp.silu": ("week1/silu.cpp", lambda body: f"{SILU_HEAD}{body}\n}}\n", SILUS),
    "sample.top_p": ("week1/top_p.cpp", lambda body: f"{TOP_P_HEAD}{body}\n}}\n", TOP_PS),
}


@pytest.mark.parametrize("task", TASKS)
def test_seven_of_ten_mistakes_with_wrong_numbers_are_named(learner, task):
    file, text_with, mistakes = TASKS[task]
    named, nameless = [], []
    for name, body in mistakes.items():
        learner.write(file, text_with(body))
        result = learner.check(task)
        assert result["outcome"] == "red", f"{name}: {result}"
        failure = result["failure"]
        assert failure["level"] == "values", f"{name}: {failure}"
        if failure["kind"] != "wrong":  # a crash or a stray write says itself what it is
            continue
        words = f"{name}: {failure['known_mistake']}"
        (named if failure["known_mistake"] else nameless).append(words)
    n_wrong = len(named) + len(nameless)
    print(f"{len(named) / n_wrong:.0%} named\n" + "\n".join(named + nameless))
    assert n_wrong >= 0.75 * len(mistakes), "most mistakes give wrong numbers"
    assert len(named) >= 0.7 * n_wrong, nameless
