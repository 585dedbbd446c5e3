#include <fmt/core.h>

#include <algorithm>
#include <cmath>
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

// Says at start, by file and field, what is wrong, and goes on without the field: else each client
// would be told of a value that it never sent.
template <typename Read>
auto read_or_warn(Read read) -> decltype(read()) {
  try {
    return read();
  } catch (const Error& error) {
    log(LogLevel::warning, "{}; it is left out", error.what());
    return std::nullopt;
  }
}

// Collects a stop set: every id once, ascending, none that the model does not have.
class StopSet {
 public:
  explicit StopSet(std::int64_t vocab_size) : vocab_size_(vocab_size) {}

  bool add(std::int64_t id) {
    if (id < 0 || id >= vocab_size_) return false;
    ids_.push_back(static_cast<TokenId>(id));
    return true;
  }
  std::int64_t vocab_size() const { return vocab_size_; }
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
    read_or_warn([&]() -> std::optional<TokenId> {
      if (field.number() < 0) return std::nullopt;
      if (stops.add(field.id())) return field.id();
      field.refuse(ErrorCode::invalid_input, fmt::format("an id in [0, {})", stops.vocab_size()));
    });
  };
  const JsonField eos = config.member("eos_token_id");
  if (eos.is_null()) return;
  if (!eos.is_array()) return add(eos);
  for (const JsonField& id : eos.elements()) add(id);
}

// What a recommended number must be.
struct Range {
  double first, last;
  bool holds_first;
  const char* words;
  bool holds(double value) const {
    return value <= last && (holds_first ? value >= first : value > first);
  }
};
constexpr Range kTemperature{0, 100, true, "in [0, 100]"};
constexpr Range kTopP{0, 1, false, "in (0, 1]"};
constexpr Range kMinP{0, 1, true, "in [0, 1]"};
constexpr Range kRepetitionPenalty{0, 1e9, false, "above 0"};
constexpr Range kTopK{-1, 1 << 30, true, "a whole number of at least 1, or 0 or -1 for all"};

std::optional<float> recommended(const JsonField& field, const Range& range) {
  return read_or_warn([&]() -> std::optional<float> {
    if (field.is_null()) return std::nullopt;
    if (!range.holds(field.number())) field.refuse(ErrorCode::invalid_input, range.words);
    return static_cast<float>(field.number());
  });
}

std::optional<int> recommended_top_k(const JsonField& field) {
  return read_or_warn([&]() -> std::optional<int> {
    if (field.is_null()) return std::nullopt;
    const double number = field.number();
    if (!kTopK.holds(number) || number != std::floor(number)) {
      field.refuse(ErrorCode::invalid_input, kTopK.words);
    }
    return std::max(static_cast<int>(number), 0);
  });
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
  defaults.temperature = recommended(config.member("temperature"), kTemperature);
  defaults.top_p = recommended(config.member("top_p"), kTopP);
  defaults.min_p = recommended(config.member("min_p"), kMinP);
  defaults.repetition_penalty =
      recommended(config.member("repetition_penalty"), kRepetitionPenalty);
  defaults.top_k = recommended_top_k(config.member("top_k"));
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
  const auto refuse = [&](const char* key, double value, const Range& range) {
    fail(ErrorCode::invalid_input, "{}: {} is {}, must be {}", metadata.source(), key, value,
         range.words);
  };
  const auto number = [&](const char* key, const Range& range) {
    return read_or_warn([&]() -> std::optional<float> {
      const auto value = metadata.find_float(key);
      if (value && !range.holds(*value)) refuse(key, *value, range);
      return value ? std::optional(static_cast<float>(*value)) : std::nullopt;
    });
  };
  GenerationDefaults defaults;
  defaults.temperature = number("general.sampling.temp", kTemperature);
  defaults.top_p = number("general.sampling.top_p", kTopP);
  defaults.min_p = number("general.sampling.min_p", kMinP);
  defaults.repetition_penalty = number("general.sampling.penalty_repeat", kRepetitionPenalty);
  defaults.top_k = read_or_warn([&]() -> std::optional<int> {
    const auto top_k = metadata.find_integer("general.sampling.top_k");
    if (!top_k) return std::nullopt;
    if (!kTopK.holds(static_cast<double>(*top_k))) {
      refuse("general.sampling.top_k", static_cast<double>(*top_k), kTopK);
    }
    return std::max(static_cast<int>(*top_k), 0);
  });
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
