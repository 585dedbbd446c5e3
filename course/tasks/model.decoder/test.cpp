// model.decoder: the recorded models, and that every layer tells the watcher.

#include "reference/decoder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "lesson_test.h"
#include "tiny_model.h"

namespace tinyllm::learn {
namespace {

std::vector<std::int32_t> decode(TinyModel& model, const std::vector<std::int32_t>& ids,
                                 std::int64_t first, std::int64_t n) {
  std::vector<std::int32_t> told;
  std::fill_n(reference::f32(model.activations().normed), n * model.config().hidden_size,
              kNotWritten);
  reference::decoder(model.pass(first, n), model.weights(), ids.data() + first, model.kv_rows(),
                     model.activations(), [&](std::int32_t layer) { told.push_back(layer); });
  return told;
}

void run(const Case& given, Answers& answers) {
  TinyModel model(given);
  const Ints given_ids = given.ints("token_ids");
  const std::vector<std::int32_t> ids(given_ids.begin(), given_ids.end());
  const std::int64_t before = given.integer("n_before"), n = std::ssize(ids) - before;
  if (before > 0) decode(model, ids, 0, before);
  decode(model, ids, before, n);
  const Floats normed =
      copied(reference::f32(model.activations().normed), n * model.config().hidden_size);
  Floats logits(static_cast<std::size_t>(n * model.config().vocab_size), kNotWritten);
  reference::language_head(model.pool(), model.weights(), normed.data(), n, logits.data());
  answers.put("normed", normed);
  answers.put("logits", logits);
}

std::string every_layer_is_told_in_its_order() {
  Case::Numbers inputs = {{"n_heads", {1}},   {"n_kv_heads", {1}},  {"head_dim", {2}},
                          {"n_layers", {3}},  {"hidden_size", {2}}, {"intermediate_size", {2}},
                          {"vocab_size", {2}}};
  for (const std::string at : {"0.", "1.", "2."}) {
    for (const char* name :
         {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"})
      inputs[at + name] = {1, 0, 0, 1};
    for (const char* name : {"input_norm", "post_attention_norm"}) inputs[at + name] = {1, 1};
  }
  for (const char* name : {"embed_tokens", "lm_head"}) inputs[name] = {1, 0, 0, 1};
  inputs["final_norm"] = {1, 1};
  const Case given("three layers", "decoder", std::move(inputs));
  TinyModel model(given);
  const std::vector<std::int32_t> told = decode(model, {0, 1}, 0, 2);
  if (told == std::vector<std::int32_t>{-1, 0, 1, 2}) return "";
  return fmt::format(
      "a model of three layers: after_layer was called with [{}], must be [-1, 0, 1, 2]",
      fmt::join(told, ", "));
}

}  // namespace

LessonTest LESSON_TEST() {
  return {
      LESSON_TASK, run, {{"every layer is told, in its order", every_layer_is_told_in_its_order}}};
}

}  // namespace tinyllm::learn
