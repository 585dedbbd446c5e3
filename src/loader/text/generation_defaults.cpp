#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_field.h"
#include "base/log.h"
#include "loader/gguf_file.h"
#include "loader/hf_folder.h"
#include "loader/text/text_sources.h"

namespace tinyllm {
namespace {

// Tokens that end an answer in every model that has them:
// a GGUF file names one or two ids only. The list holds what llama.cpp stops at,
// but for tokens that end a part of a prompt (fill-in-the-middle).
constexpr const char* kEndTokens[] = {
    "<|im_end|>",          // ChatML: Qwen, SmolLM2
    "<|endoftext|>",       // GPT-2, Qwen
    "<|eot_id|>",          // Llama 3, end of turn
    "<|eom_id|>",          // Llama 3.1, end of a message that calls a tool
    "<|end_of_text|>",     // Llama 3
    "<end_of_turn>",       // Gemma
    "<|end|>",             // Phi-3
    "<|return|>",          // gpt-oss, end of the answer
    "<|call|>",            // gpt-oss, end of a tool call
    "<|calls|>",           // Solar
    "<|flush|>",           // Solar
    "<end_of_utterance>",  // SmolVLM
    "<EOT>",
    "_<EOT>",
    "[EOT]",  // Kimi K2
    "[EOS]",  // Kimi K2
    "</s>",
    "<eos>",
    "<｜end▁of▁sentence｜>",  // DeepSeek's distilled Qwen and Llama
};

// Collects a stop set: every id once, ascending, none that the model does not have.
class StopSet {
 public:
  explicit StopSet(std::int64_t vocab_size) : vocab_size_(vocab_size) {}

  void add(std::int64_t id) {
    if (id < 0 || id >= vocab_size_) return;
    ids_.push_back(static_cast<TokenId>(id));
  }
  std::vector<TokenId> take() {
    std::sort(ids_.begin(), ids_.end());
    ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
    return std::move(ids_);
  }

 private:
  std::int64_t vocab_size_;
  std::vector<TokenId> ids_;
};

// "eos_token_id": null, one id or a list. Some files say none with -1.
void add_eos(const JsonField& config, StopSet& stops) {
  const auto add = [&stops](const JsonField& field) {
    if (field.number() >= 0) stops.add(field.id());
  };
  const JsonField eos = config.member("eos_token_id");
  if (eos.is_null()) return;
  if (!eos.is_array()) return add(eos);
  for (const JsonField& id : eos.elements()) add(id);
}

GenerationDefaults defaults_from_hf(const HuggingFaceFolder& folder, StopSet stops) {
  GenerationDefaults defaults;
  const auto json = folder.find_json("generation_config.json");
  if (!json) {  // then the ids of config.json count
    const auto config = folder.find_json("config.json").value_or(nlohmann::json::object());
    add_eos(JsonField(config, folder.source("config.json")), stops);
    defaults.stop_token_ids = stops.take();
    return defaults;
  }
  const JsonField config(*json, folder.source("generation_config.json"));
  add_eos(config, stops);
  const auto number = [&](const char* key) -> std::optional<float> {
    const JsonField field = config.member(key);
    if (field.is_null()) return std::nullopt;
    return static_cast<float>(field.number());
  };
  defaults.temperature = number("temperature");
  defaults.top_p = number("top_p");
  defaults.min_p = number("min_p");
  defaults.repetition_penalty = number("repetition_penalty");
  if (const JsonField top_k = config.member("top_k"); !top_k.is_null()) {
    defaults.top_k = top_k.id();
  }
  defaults.stop_token_ids = stops.take();
  return defaults;
}

// The id of an end token, special or merely added: converters got types wrong. An ordinary token of
// that spelling is one only where nobody writes such a text.
std::optional<TokenId> find_end_token(const Tokenizer& tokenizer, std::string_view text) {
  const bool is_markup = text.starts_with("<|") || text.starts_with("<\xEF\xBD\x9C");
  return is_markup ? tokenizer.find(text) : tokenizer.find_added(text);
}

GenerationDefaults defaults_from_gguf(const GgufMetadata& metadata, const Tokenizer* tokenizer,
                                      StopSet stops) {
  for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                          "tokenizer.ggml.eom_token_id"}) {
    if (const auto id = metadata.find_token_id(key)) stops.add(*id);
  }
  for (const char* text : kEndTokens) {
    const auto id = tokenizer != nullptr ? find_end_token(*tokenizer, text) : std::nullopt;
    if (id) stops.add(*id);
  }
  const auto number = [&](const char* key) -> std::optional<float> {
    const auto value = metadata.find_float(key);
    if (!value) return std::nullopt;
    return static_cast<float>(*value);
  };
  GenerationDefaults defaults;
  defaults.temperature = number("general.sampling.temp");
  defaults.top_p = number("general.sampling.top_p");
  defaults.min_p = number("general.sampling.min_p");
  defaults.repetition_penalty = number("general.sampling.penalty_repeat");
  if (const auto top_k = metadata.find_count("general.sampling.top_k")) {
    defaults.top_k = static_cast<int>(std::min<std::int64_t>(*top_k, 1 << 30));
  }
  defaults.stop_token_ids = stops.take();
  return defaults;
}

}  // namespace

GenerationDefaults load_generation_defaults(const Checkpoint& checkpoint,
                                            const Tokenizer* tokenizer) {
  StopSet stops(checkpoint.config().vocab_size);
  if (tokenizer != nullptr && tokenizer->eos_id()) stops.add(*tokenizer->eos_id());
  if (const GgufFile* gguf = checkpoint.gguf()) {
    return defaults_from_gguf(gguf->metadata(), tokenizer, std::move(stops));
  }
  if (const HuggingFaceFolder* folder = checkpoint.hugging_face()) {
    return defaults_from_hf(*folder, std::move(stops));
  }
  return {};
}

namespace {

// A template that we cannot read must not keep anyone from completing text with the model.
void load_template_or_error(const Checkpoint& checkpoint, ModelText& text) {
  try {
    text.chat_template = load_chat_template(checkpoint);
  } catch (const Error& error) {
    text.chat_template_error = error.what();
    log(LogLevel::warning, "{}: messages are refused, only text is completed: {}",
        checkpoint.path().string(), error.what());
  }
}

}  // namespace

ModelText load_model_text(const Checkpoint& checkpoint) {
  ModelText text;
  text.tokenizer = load_tokenizer(checkpoint);
  load_template_or_error(checkpoint, text);
  text.defaults = load_generation_defaults(checkpoint, text.tokenizer ? &*text.tokenizer : nullptr);
  return text;
}

}  // namespace tinyllm
