// generate.greedy: a trace of calls to a model that counts, and what the loop told, kept and computed.

#include "reference/generate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "lesson_test.h"
#include "loader/random_checkpoint.h"

namespace tinyllm::learn {
namespace {

using nlohmann::json;

constexpr std::int64_t kVocab = 12;

// Behind token t it says t + 1: the embedding is the identity, the layer adds nothing, and row t + 1 of
// the head looks at number t.
class CountingModel {
 public:
  explicit CountingModel(std::int64_t max_tokens)
      : checkpoint_(make_checkpoint()), model_(checkpoint_, pool_, max_tokens) {}
  reference::Model& model() { return model_; }

 private:
  static Checkpoint make_checkpoint() {
    ModelConfig config;
    config.architecture = "llama";
    config.vocab_size = config.hidden_size = config.head_dim = kVocab;
    config.intermediate_size = 2;
    config.n_layers = config.n_heads = config.n_kv_heads = 1;
    config.max_seq_len = 64;
    TensorMap tensors;
    std::vector<Buffer> buffers;
    const auto add = [&](const std::string& name, Shape shape, auto&& value) {
      Buffer buffer(shape.n_elems() * static_cast<std::int64_t>(sizeof(float)));
      std::span<float> values = buffer.as<float>();
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] =
            value(static_cast<std::int64_t>(i) / kVocab, static_cast<std::int64_t>(i) % kVocab);
      }
      tensors[name] = {buffer.data(), DType::f32, shape};
      buffers.push_back(std::move(buffer));
    };
    const auto zero = [](std::int64_t, std::int64_t) { return 0.0f; };
    const auto one = [](std::int64_t, std::int64_t) { return 1.0f; };
    const std::string layer = "model.layers.0.";
    add("model.embed_tokens.weight", {kVocab, kVocab},
        [](auto i, auto j) { return i == j ? 1.0f : 0.0f; });
    add("lm_head.weight", {kVocab, kVocab},
        [](auto i, auto j) { return i == (j + 1) % kVocab ? 1.0f : 0.0f; });
    for (const char* name : {"q_proj", "k_proj", "v_proj", "o_proj"}) {
      add(layer + "self_attn." + name + ".weight", {kVocab, kVocab}, zero);
    }
    add(layer + "mlp.gate_proj.weight", {2, kVocab}, zero);
    add(layer + "mlp.up_proj.weight", {2, kVocab}, zero);
    add(layer + "mlp.down_proj.weight", {kVocab, 2}, zero);
    add(layer + "input_layernorm.weight", {kVocab}, one);
    add(layer + "post_attention_layernorm.weight", {kVocab}, one);
    add("model.norm.weight", {kVocab}, one);
    return Checkpoint::from_memory("a model that counts", config, std::move(tensors),
                                   std::move(buffers));
  }

  ThreadPool pool_{1};
  Checkpoint checkpoint_;
  reference::Model model_;
};

const char* word_of(FinishReason reason) {
  switch (reason) {
    case FinishReason::none: return "none";
    case FinishReason::stop: return "stop";
    case FinishReason::length: return "length";
    case FinishReason::cancelled: return "cancelled";
    default: return "another";
  }
}

// One call of a trace, as a line of JSON: {"prompt": [3], "max_tokens": 2} or {"rewind": 3}.
std::string answer_to(const json& call, reference::Model& model) {
  if (call.contains("rewind")) {
    model.rewind(call["rewind"]);
    return fmt::format(R"({{"rows": {}}})", model.n_computed());
  }
  SamplingParams params;
  params.temperature = 0;
  params.max_tokens = call["max_tokens"];
  params.ignore_eos = call.value("ignore_eos", false);
  params.stop_token_ids = call.value("stop_ids", std::vector<TokenId>{});
  reference::GenerateOptions options;
  options.eos_ids = call.value("eos", std::vector<TokenId>{});
  const std::vector<TokenId> prompt = call["prompt"];
  std::vector<TokenId> told;
  const reference::GenerateResult result =
      reference::generate(model, prompt, params, options, [&](TokenId id) {
        told.push_back(id);
        return std::ssize(told) != call.value("cancel_at", std::ptrdiff_t{-1});
      });
  return fmt::format(R"({{"new": [{}], "told": [{}], "finish": "{}", "end": {}, "rows": {}}})",
                     fmt::join(result.token_ids, ", "), fmt::join(told, ", "),
                     word_of(result.finish_reason), result.end_id, model.n_computed());
}

void run(const Case& given, Answers& answers) {
  CountingModel counting(given.integer("context"));
  for (const std::string& call : given.lines("calls")) {
    answers.put_line("answers", answer_to(json::parse(call), counting.model()));
  }
}

// With random weights: the same tokens as the largest logit of a model that has computed the whole text anew.
std::string each_token_has_the_largest_logit() {
  ThreadPool pool(1);
  const Checkpoint checkpoint =
      make_random_checkpoint("random:lesson", small_config("qwen2"), DType::f32, pool);
  reference::Model model(checkpoint, pool, 24), fresh(checkpoint, pool, 24);
  std::vector<TokenId> sequence = {11, 3, 58};
  SamplingParams params;
  params.temperature = 0;
  params.max_tokens = 8;
  params.ignore_eos = true;
  const auto result =
      reference::generate(model, sequence, params, {}, [](TokenId) { return true; });
  for (const TokenId id : result.token_ids) {
    fresh.rewind(0);
    const std::span<const float> logits = fresh.forward(sequence);
    const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
    if (id != best) {
      return fmt::format(
          "behind {} tokens of a random model yours says {}, the largest logit is that of {}",
          sequence.size(), id, best);
    }
    sequence.push_back(id);
  }
  return result.token_ids.size() == 8
             ? ""
             : fmt::format("8 tokens were asked for, yours gave {}", result.token_ids.size());
}

}  // namespace

LessonTest LESSON_TEST() {
  return {
      LESSON_TASK, run, {{"each token has the largest logit", each_token_has_the_largest_logit}}};
}

}  // namespace tinyllm::learn
