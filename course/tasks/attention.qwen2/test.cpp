// attention.qwen2: the recorded layers, and that a text may come in pieces.

#include "reference/attention.h"

#include <fmt/format.h>

#include <algorithm>

#include "lesson_test.h"
#include "tiny_model.h"

namespace tinyllm::learn {
namespace {

// The rows of x from `first` on as one pass.
void attend(TinyModel& model, std::int64_t layer, const Floats& x, std::int64_t first,
            std::int64_t n) {
  const std::int64_t width = model.config().hidden_size;
  reference::Activations& a = model.activations();
  std::copy_n(x.data() + first * width, n * width, reference::f32(a.normed));
  std::fill_n(reference::f32(a.delta), n * width, kNotWritten);
  reference::attention(model.pass(first, n),
                       model.weights().layers[static_cast<std::size_t>(layer)], layer,
                       model.kv_rows(), a);
}

void run(const Case& given, Answers& answers) {
  TinyModel model(given);
  const Floats x = given.floats("x");
  const std::int64_t layer = given.integer("layer"), before = given.integer("n_before");
  const auto n_tokens = static_cast<std::int64_t>(x.size()) / model.config().hidden_size;
  if (before > 0) attend(model, layer, x, 0, before);
  attend(model, layer, x, before, n_tokens - before);
  const std::int64_t n_kept = n_tokens * model.config().kv_size();
  answers.put("keys", copied(reference::layer_keys(model.kv_rows(), layer), n_kept));
  answers.put("values", copied(reference::layer_values(model.kv_rows(), layer), n_kept));
  answers.put("delta", copied(reference::f32(model.activations().delta),
                              (n_tokens - before) * model.config().hidden_size));
}

// Two layers with weights of their own, four numbers a token.
Case two_layers() {
  Case::Numbers inputs = {{"n_heads", {2}},   {"n_kv_heads", {1}},  {"head_dim", {2}},
                          {"n_layers", {2}},  {"hidden_size", {4}}, {"intermediate_size", {0}},
                          {"vocab_size", {0}}};
  std::uint64_t seed = 1;
  const auto add = [&](const std::string& name, std::size_t n) {
    const Floats values = random_floats(n, seed++, 0.6f);
    inputs[name].assign(values.begin(), values.end());
  };
  for (const std::string at : {"0.", "1."}) {
    for (const char* name : {"q_proj", "o_proj"}) add(at + name, 16);
    for (const char* name : {"k_proj", "v_proj"}) add(at + name, 8);
    add(at + "q_bias", 4);
    for (const char* name : {"k_bias", "v_bias"}) add(at + name, 2);
  }
  return {"two layers", "attention", std::move(inputs)};
}

std::string a_text_in_pieces_gives_the_same() {
  const Case given = two_layers();
  const Floats x = random_floats(5 * 4, 40);
  TinyModel whole(given), parts(given);
  attend(whole, 1, x, 0, 5);
  for (std::int64_t t = 0; t < 5; ++t) attend(parts, 1, x, t, 1);
  const float* last = reference::f32(whole.activations().delta) + 16;
  for (std::int64_t i = 0; i < 4; ++i) {
    const float piecewise = reference::f32(parts.activations().delta)[i];
    if (std::abs(piecewise - last[i]) <= 1e-5f * (1 + std::abs(last[i]))) continue;
    return fmt::format(
        "the last of five tokens: delta[{}] is {:g} when they come one by one, and {:g} at once", i,
        piecewise, last[i]);
  }
  return "";
}

std::string a_layer_leaves_the_others_rows_alone() {
  const Case given = two_layers();
  TinyModel model(given);
  const Floats x = random_floats(3 * 4, 41);
  attend(model, 0, x, 0, 3);
  const Floats before = copied(reference::layer_keys(model.kv_rows(), 0), 6);
  attend(model, 1, x, 0, 3);
  const float* now = reference::layer_keys(model.kv_rows(), 0);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (now[i] != before[i])
      return fmt::format("layer 1 changed number {} of layer 0's keys from {:g} to {:g}", i,
                         before[i], now[i]);
  }
  return "";
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK,
          run,
          {{"a text in pieces gives the same", a_text_in_pieces_gives_the_same},
           {"a layer leaves the others' rows alone", a_layer_leaves_the_others_rows_alone}}};
}

}  // namespace tinyllm::learn
