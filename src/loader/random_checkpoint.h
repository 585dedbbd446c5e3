#pragma once
// Models with random weights in the exact shapes of published ones, made in memory: for benchmarks
// and tests that care about sizes and formats and not about words. The bytes depend on the name
// alone: they are the same on every machine and with any number of threads.

#include <string>
#include <string_view>

#include "base/thread_pool.h"
#include "loader/checkpoint.h"
#include "loader/model_config.h"
#include "tensor/dtype.h"

namespace tinyllm {

// Whether a model's name asks for one: "random:SHAPE:FORMAT".
bool is_random_name(std::string_view name);

// SHAPE: qwen2.5-0.5b, qwen2.5-1.5b, qwen2.5-7b, qwen3-0.6b, qwen1.5-moe-a2.7b, qwen3-30b-a3b,
// or one of them cut to its first layers, as in qwen3-30b-a3b-4l. FORMAT: f32, f16, bf16, q8_0, q4_0, q4_k. Throws Error{invalid_input} that
// names the known ones, Error{out_of_memory} before anything is made.
Checkpoint make_random_checkpoint(const std::string& name, ThreadPool& pool);

// The same for any config (tests). Matrices in `format`,
// norms (around 1) and biases (small) in f32.
Checkpoint make_random_checkpoint(const std::string& name, const ModelConfig& config, DType format,
                                  ThreadPool& pool);

// Two layers of a few thousand weights with grouped heads, for checks that care about structure:
// vocabulary 67, hidden 64, MLP 96, 4 heads of 16 over 2 K/V heads, 256 positions; biases for
// qwen2, q/k norms for qwen3, 6 experts of which a token uses 2 for qwen2moe and qwen3moe. A test changes what it needs to be different.
ModelConfig small_config(const std::string& architecture);

}  // namespace tinyllm
