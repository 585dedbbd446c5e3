// The pretokenizers of the model families, as their authors published them.
#include "text/tokenizer_spec.h"

namespace tinyllm {
namespace {

// Radford et al. 2019 (GPT-2): contractions, then letters, digits or other signs with at most one
// space before, then white space but for the last before a word.
constexpr const char* kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// Llama 3 (Meta 2024, after OpenAI's cl100k): contractions in any case, digits by threes, line ends
// joined to the signs or the white space before them.
constexpr const char* kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// Qwen2 (Alibaba 2024; 2.5 and 3 keep it): Llama 3's with single digits.
constexpr const char* kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

PretokenizerStage split_by(const char* pattern) {
  PretokenizerStage stage;
  stage.pattern = pattern;
  return stage;
}

PretokenizerStage single_digits() {
  PretokenizerStage stage;
  stage.kind = PretokenizerStage::Kind::digits;
  return stage;
}

}  // namespace

std::optional<std::vector<PretokenizerStage>> pretokenizer_stages(const std::string& name) {
  if (name == "gpt2") return {{split_by(kGpt2)}};
  if (name == "llama3") return {{split_by(kLlama3)}};
  if (name == "qwen2") return {{split_by(kQwen2)}};
  if (name == "smollm") return {{single_digits(), split_by(kGpt2)}};
  return std::nullopt;
}

}  // namespace tinyllm
