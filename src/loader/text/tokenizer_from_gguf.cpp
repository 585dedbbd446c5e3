#include "loader/text/tokenizer_from_gguf.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "base/quote.h"

namespace tinyllm {
namespace {

// The kinds of vocabulary ("tokenizer.ggml.model") other than ours, for the refusal.
constexpr std::array<std::pair<const char*, const char*>, 4> kOtherModels = {{
    {"llama", "SentencePiece"},
    {"t5", "SentencePiece unigram"},
    {"bert", "WordPiece"},
    {"rwkv", "RWKV's greedy trie"},
}};

// llama.cpp's names for pretokenizers ("tokenizer.ggml.pre") and what they stand for.
struct GgufPretokenizer {
  const char* gguf_name;
  const char* name;  // of pretokenizer_stages
  bool nfc;
  bool ignore_merges;
  bool adds_bos;  // unless the file says otherwise
};
constexpr std::array kPretokenizers = {
    GgufPretokenizer{"qwen2", "qwen2", true, false, false},
    GgufPretokenizer{"deepseek-r1-qwen", "qwen2", true, false, false},
    GgufPretokenizer{"llama-bpe", "llama3", false, true, true},
    GgufPretokenizer{"llama3", "llama3", false, true, true},
    GgufPretokenizer{"llama-v3", "llama3", false, true, true},
    GgufPretokenizer{"falcon3", "llama3", false, true, true},
    GgufPretokenizer{"smollm", "smollm", false, false, false},
    GgufPretokenizer{"gpt-2", "gpt2", false, false, false},
};

void require_byte_level_bpe(std::string_view model, const std::string& source) {
  if (model == "gpt2") return;
  std::string kind;
  for (const auto& [name, words] : kOtherModels) {
    if (model == name) kind = std::string(" (") + words + ")";
  }
  fail(ErrorCode::unsupported,
       "{}: tokenizer.ggml.model is {}{}, which is not supported; supported is 'gpt2' (byte-level "
       "BPE)",
       source, quote(model), kind);
}

const GgufPretokenizer& find_pretokenizer(const GgufMetadata& metadata) {
  const auto name = metadata.find_string("tokenizer.ggml.pre");
  std::string known;
  for (const GgufPretokenizer& pretokenizer : kPretokenizers) {
    if (name == pretokenizer.gguf_name) return pretokenizer;
    if (!known.empty()) known += ", ";
    known += pretokenizer.gguf_name;
  }
  if (!name) {
    fail(ErrorCode::unsupported,
         "{}: tokenizer.ggml.pre is missing, so how to split text is not known; the file is from "
         "before April 2024, convert the model again",
         metadata.source());
  }
  fail(ErrorCode::unsupported,
       "{}: tokenizer.ggml.pre is {}, which is not supported; supported are {}", metadata.source(),
       quote(*name), known);
}

// Ordinary tokens are written in GPT-2's printable alphabet; control and added ones as they are.
void read_tokens(const GgufMetadata& metadata, TokenizerSpec& spec) {
  const auto texts = metadata.find_strings("tokenizer.ggml.tokens");
  const auto types = metadata.find_integers("tokenizer.ggml.token_type");
  if (!texts || texts->empty()) {
    fail(ErrorCode::invalid_input, "{}: tokenizer.ggml.tokens is missing or empty", spec.source);
  }
  if (types && types->size() != texts->size()) {
    fail(ErrorCode::invalid_input, "{}: there are {} tokens and {} token types, must be as many",
         spec.source, texts->size(), types->size());
  }
  spec.tokens.reserve(texts->size());
  for (std::size_t id = 0; id < texts->size(); ++id) {
    const std::string_view text = (*texts)[id];
    const GgufTokenType type =
        types ? static_cast<GgufTokenType>((*types)[id]) : GgufTokenType::normal;
    if (type == GgufTokenType::unused || text.empty()) {
      spec.tokens.emplace_back();
    } else if (type == GgufTokenType::control || type == GgufTokenType::unknown ||
               type == GgufTokenType::user_defined) {
      spec.tokens.emplace_back(text);
      spec.added_tokens.push_back({.id = static_cast<TokenId>(id),
                                   .text = std::string(text),
                                   .special = type != GgufTokenType::user_defined});
    } else {
      std::optional<std::string> bytes = bytes_from_printable(text);
      spec.tokens.push_back(bytes ? std::move(*bytes) : std::string(text));
    }
  }
}

// Each merge is "left right", both in the printable alphabet, which has no space.
void read_merges(const GgufMetadata& metadata, TokenizerSpec& spec) {
  const auto merges = metadata.find_strings("tokenizer.ggml.merges");
  if (!merges) {
    fail(ErrorCode::invalid_input, "{}: tokenizer.ggml.merges is missing", spec.source);
  }
  spec.merges.reserve(merges->size());
  for (std::size_t rank = 0; rank < merges->size(); ++rank) {
    const std::string_view merge = (*merges)[rank];
    const std::size_t space = merge.find(' ');
    std::optional<std::string> left, right;
    if (space != std::string_view::npos) {
      left = bytes_from_printable(merge.substr(0, space));
      right = bytes_from_printable(merge.substr(space + 1));
    }
    if (!left || !right || left->empty() || right->empty()) {
      fail(ErrorCode::invalid_input,
           "{}: tokenizer.ggml.merges[{}] is {}, must be two tokens with a space between them",
           spec.source, rank, quote(merge));
    }
    spec.merges.emplace_back(std::move(*left), std::move(*right));
  }
}

std::optional<TokenId> read_id(const GgufMetadata& metadata, const char* key,
                               const TokenizerSpec& spec) {
  const auto id = metadata.find_token_id(key);
  if (!id) return std::nullopt;
  if (*id >= static_cast<std::int64_t>(spec.tokens.size())) {
    log(LogLevel::warning, "{}: {} is {}, must be in [0, {}); it is left out", spec.source, key,
        *id, spec.tokens.size());
    return std::nullopt;
  }
  return static_cast<TokenId>(*id);
}

}  // namespace

std::optional<std::string_view> gguf_pretokenizer_name(const TokenizerSpec& spec) {
  for (const GgufPretokenizer& pretokenizer : kPretokenizers) {
    if (spec.pretokenizer_name == pretokenizer.name) return pretokenizer.gguf_name;
  }
  return std::nullopt;
}

std::optional<TokenizerSpec> tokenizer_from_gguf(const GgufMetadata& metadata) {
  const auto model = metadata.find_string("tokenizer.ggml.model");
  if (!model || *model == "none" || *model == "no_vocab") return std::nullopt;
  require_byte_level_bpe(*model, metadata.source());
  const GgufPretokenizer& pretokenizer = find_pretokenizer(metadata);

  TokenizerSpec spec;
  spec.source = metadata.source();
  spec.pretokenizer_name = pretokenizer.name;
  spec.pretokenizer = *pretokenizer_stages(pretokenizer.name);
  spec.nfc = pretokenizer.nfc;
  spec.ignore_merges = pretokenizer.ignore_merges;
  read_tokens(metadata, spec);
  read_merges(metadata, spec);

  spec.bos_id = read_id(metadata, "tokenizer.ggml.bos_token_id", spec);
  spec.eos_id = read_id(metadata, "tokenizer.ggml.eos_token_id", spec);
  const bool add_bos =
      metadata.find_bool("tokenizer.ggml.add_bos_token").value_or(pretokenizer.adds_bos);
  if (add_bos && spec.bos_id) spec.prefix_ids = {*spec.bos_id};
  const bool add_eos = metadata.find_bool("tokenizer.ggml.add_eos_token").value_or(false);
  if (add_eos && spec.eos_id) spec.suffix_ids = {*spec.eos_id};
  return spec;
}

}  // namespace tinyllm
