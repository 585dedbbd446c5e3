// model.block: the recorded layers, and that a layer which adds nothing leaves the stream alone.

#include "reference/transformer_block.h"

#include <fmt/format.h>

#include <algorithm>

#include "lesson_test.h"
#include "tiny_model.h"

namespace tinyllm::learn {
namespace {

void go_through(TinyModel& model, std::int64_t layer, const Floats& hidden, std::int64_t first,
                std::int64_t n) {
  const std::int64_t width = model.config().hidden_size;
  reference::Activations& a = model.activations();
  std::copy_n(hidden.data() + first * width, n * width, reference::f32(a.hidden));
  std::fill_n(reference::f32(a.normed), n * width, kNotWritten);
  std::fill_n(reference::f32(a.delta), n * width, kNotWritten);
  reference::transformer_block(model.pass(first, n),
                               model.weights().layers[static_cast<std::size_t>(layer)], layer,
                               model.kv_rows(), a);
}

void run(const Case& given, Answers& answers) {
  TinyModel model(given);
  const Floats hidden = given.floats("hidden");
  const std::int64_t layer = given.integer("layer"), before = given.integer("n_before");
  const auto n_tokens = static_cast<std::int64_t>(hidden.size()) / model.config().hidden_size;
  if (before > 0) go_through(model, layer, hidden, 0, before);
  go_through(model, layer, hidden, before, n_tokens - before);
  answers.put("hidden", copied(reference::f32(model.activations().hidden),
                               (n_tokens - before) * model.config().hidden_size));
}

// With o_proj and down_proj of zeros, attention and MLP have nothing to say.
std::string a_layer_that_adds_nothing_leaves_the_stream_alone() {
  Case::Numbers inputs = {{"n_heads", {1}},   {"n_kv_heads", {1}},  {"head_dim", {2}},
                          {"n_layers", {1}},  {"hidden_size", {2}}, {"intermediate_size", {2}},
                          {"vocab_size", {0}}};
  for (const char* name : {"q_proj", "k_proj", "v_proj", "gate_proj", "up_proj"})
    inputs[std::string("0.") + name] = {1, 2, 3, 4};
  for (const char* name : {"o_proj", "down_proj"}) inputs[std::string("0.") + name] = {0, 0, 0, 0};
  for (const char* name : {"input_norm", "post_attention_norm"})
    inputs[std::string("0.") + name] = {1, 1};
  const Case given("nothing", "transformer_block", std::move(inputs));
  TinyModel model(given);
  const Floats hidden = random_floats(3 * 2, 50, 4.0f);
  go_through(model, 0, hidden, 0, 3);
  for (std::int64_t i = 0; i < 6; ++i) {
    const float now = reference::f32(model.activations().hidden)[i];
    if (now == hidden[static_cast<std::size_t>(i)]) continue;
    return fmt::format(
        "attention and MLP give zeros, but number {} of the stream went from {:g} to {:g}", i,
        hidden[static_cast<std::size_t>(i)], now);
  }
  return "";
}

}  // namespace

LessonTest LESSON_TEST() {
  return {LESSON_TASK,
          run,
          {{"a layer that adds nothing leaves the stream alone",
            a_layer_that_adds_nothing_leaves_the_stream_alone}}};
}

}  // namespace tinyllm::learn
