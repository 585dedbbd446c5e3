// Hugging Face's tokenizer.json -> TokenizerSpec, for byte-level BPE.
// What the file asks for and we do not do is refused by its name:
// a tokenizer that is nearly right gives a model that talks nearly sense.
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json_field.h"
#include "base/json_parse.h"
#include "base/quote.h"
#include "text/tokenizer_spec.h"

namespace tinyllm {
namespace {

// Ids may have holes, but an id far off must not make us allocate gigabytes.
constexpr std::int32_t kMaxTokens = 1 << 22;

void put_token(TokenizerSpec& spec, TokenId id, std::string bytes) {
  if (id < 0 || id >= kMaxTokens) {
    fail(ErrorCode::unsupported, "{}: token {} has id {}, must be in [0, {})", spec.source,
         quote(bytes), id, kMaxTokens);
  }
  const auto index = static_cast<std::size_t>(id);
  if (spec.tokens.size() <= index) spec.tokens.resize(index + 1);
  if (!spec.tokens[index].empty() && spec.tokens[index] != bytes) {
    fail(ErrorCode::invalid_input, "{}: id {} is given to two tokens, {} and {}", spec.source, id,
         quote(spec.tokens[index]), quote(bytes));
  }
  spec.tokens[index] = std::move(bytes);
}

void read_added_tokens(TokenizerSpec& spec, const JsonField& list) {
  if (list.is_null()) return;
  for (const JsonField& entry : list.elements()) {
    AddedToken token;
    token.id = entry.member("id").id();
    token.text = entry.member("content").string();
    token.special = entry.member("special").boolean_or(false);
    token.lstrip = entry.member("lstrip").boolean_or(false);
    token.rstrip = entry.member("rstrip").boolean_or(false);
    token.single_word = entry.member("single_word").boolean_or(false);
    token.normalized = entry.member("normalized").boolean_or(!token.special);
    if (token.text.empty()) continue;  // tokenizers leaves it out too
    put_token(spec, token.id, token.text);
    spec.added_tokens.push_back(std::move(token));
  }
}

void read_vocab(TokenizerSpec& spec, const JsonField& vocab) {
  std::unordered_map<std::string_view, TokenId> added_ids;
  for (const AddedToken& token : spec.added_tokens) added_ids.emplace(token.text, token.id);
  spec.tokens.reserve(std::min<std::size_t>(vocab.object().size(), kMaxTokens));
  for (const auto& [text, id] : vocab.object().items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= kMaxTokens) {
      fail(ErrorCode::invalid_input, "{}: {}: the id of token {} must be a whole number below {}",
           spec.source, vocab.path(), quote(text), kMaxTokens);
    }
    const auto token_id = static_cast<TokenId>(id.get<std::uint64_t>());
    if (const auto added = added_ids.find(text); added != added_ids.end()) {
      if (added->second == token_id) continue;  // put already, as plain text
      fail(ErrorCode::invalid_input, "{}: token {} has id {} in {} and {} in added_tokens",
           spec.source, quote(text), token_id, vocab.path(), added->second);
    }
    std::optional<std::string> bytes = bytes_from_printable(text);
    if (!bytes) {
      fail(ErrorCode::unsupported,
           "{}: {}: token {} is not written in the byte-level alphabet; vocabularies in "
           "SentencePiece's style are not supported",
           spec.source, vocab.path(), quote(text));
    }
    put_token(spec, token_id, std::move(*bytes));
  }
}

std::string merge_part(const TokenizerSpec& spec, std::size_t rank, std::string_view printable) {
  std::optional<std::string> bytes = bytes_from_printable(printable);
  if (!bytes) {
    fail(ErrorCode::invalid_input, "{}: model.merges[{}]: {} is not in the byte-level alphabet",
         spec.source, rank, quote(printable));
  }
  return std::move(*bytes);
}

// Each merge is "a b" (older files) or ["a", "b"].
void read_merges(TokenizerSpec& spec, const JsonField& merges) {
  for (const nlohmann::json& merge : merges.array()) {
    const std::size_t rank = spec.merges.size();
    std::string left, right;
    if (merge.is_string()) {
      const std::string& both = merge.get_ref<const std::string&>();
      const std::size_t space = both.find(' ');
      if (space != std::string::npos) {
        left = both.substr(0, space);
        right = both.substr(space + 1);
      }
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
               merge[1].is_string()) {
      left = merge[0].get<std::string>();
      right = merge[1].get<std::string>();
    }
    if (left.empty() || right.empty()) {
      fail(ErrorCode::invalid_input, "{}: model.merges[{}] must be two tokens", spec.source, rank);
    }
    spec.merges.emplace_back(merge_part(spec, rank, left), merge_part(spec, rank, right));
  }
}

void refuse_unless_empty(const JsonField& field, const char* wanted) {
  if (!field.is_null() && !field.string().empty()) field.refuse(ErrorCode::unsupported, wanted);
}

void read_unknown(TokenizerSpec& spec, const JsonField& model) {
  const JsonField unknown = model.member("unk_token");
  if (unknown.is_null()) return;
  const auto token = std::find(spec.tokens.begin(), spec.tokens.end(), unknown.string());
  if (token == spec.tokens.end()) unknown.refuse(ErrorCode::invalid_input, "a token");
  spec.unknown_id = static_cast<TokenId>(token - spec.tokens.begin());
  // Fusing means something only where some byte is no token.
  const bool fuses = model.member("fuse_unk").boolean_or(false);
  for (int byte = 0; fuses && byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    if (std::find(spec.tokens.begin(), spec.tokens.end(), text) == spec.tokens.end()) {
      model.member("fuse_unk")
          .refuse(ErrorCode::unsupported, "false in a vocabulary that lacks single bytes");
    }
  }
}

void check_model(const JsonField& model) {
  const JsonField type = model.member("type");
  if (!type.is_null() && type.string() != "BPE") {
    type.refuse(ErrorCode::unsupported,
                "'BPE' (WordPiece, Unigram and WordLevel are not supported)");
  }
  if (model.member("byte_fallback").boolean_or(false)) {
    model.member("byte_fallback").refuse(ErrorCode::unsupported, "false (SentencePiece's BPE)");
  }
  if (!model.member("dropout").is_null()) {
    model.member("dropout").refuse(ErrorCode::unsupported, "null");
  }
  refuse_unless_empty(model.member("continuing_subword_prefix"), "empty");
  refuse_unless_empty(model.member("end_of_word_suffix"), "empty");
}

void read_model(TokenizerSpec& spec, const JsonField& model) {
  spec.ignore_merges = model.member("ignore_merges").boolean_or(false);
  read_vocab(spec, model.member("vocab"));
  read_merges(spec, model.member("merges"));
  read_unknown(spec, model);
}

// A component whose type is "Sequence" stands for its parts (field `parts_name`).
std::vector<JsonField> flatten(const JsonField& component, const char* parts_name) {
  if (component.is_null()) return {};
  if (component.member("type").string() != "Sequence") return {component};
  std::vector<JsonField> parts;
  for (const JsonField& part : component.member(parts_name).elements()) {
    for (JsonField& leaf : flatten(part, parts_name)) parts.push_back(std::move(leaf));
  }
  return parts;
}

void read_normalizer(TokenizerSpec& spec, const JsonField& normalizer) {
  for (const JsonField& part : flatten(normalizer, "normalizers")) {
    if (part.member("type").string() != "NFC") {
      part.member("type").refuse(ErrorCode::unsupported, "'NFC'");
    }
    spec.nfc = true;
  }
}

SplitBehavior read_behavior(const JsonField& behavior) {
  constexpr std::array<std::pair<const char*, SplitBehavior>, 5> kBehaviors = {{
      {"Removed", SplitBehavior::removed},
      {"Isolated", SplitBehavior::isolated},
      {"MergedWithPrevious", SplitBehavior::merged_with_previous},
      {"MergedWithNext", SplitBehavior::merged_with_next},
      {"Contiguous", SplitBehavior::contiguous},
  }};
  for (const auto& [name, value] : kBehaviors) {
    if (behavior.string() == name) return value;
  }
  behavior.refuse(ErrorCode::invalid_input,
                  "Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
}

PretokenizerStage read_split(const JsonField& split) {
  PretokenizerStage stage;
  const JsonField pattern = split.member("pattern");
  if (const JsonField literal = pattern.member("String"); !literal.is_null()) {
    for (const char c : literal.string()) {
      const bool is_sign = static_cast<unsigned char>(c) < 0x80 && std::ispunct(c) != 0;
      if (is_sign) stage.pattern += '\\';
      stage.pattern += c;
    }
  } else {
    stage.pattern = pattern.member("Regex").string();
  }
  stage.behavior = read_behavior(split.member("behavior"));
  stage.invert = split.member("invert").boolean_or(false);
  return stage;
}

// Every stage before ByteLevel, and the split that is a part of ByteLevel.
void read_pretokenizer(TokenizerSpec& spec, const JsonField& pretokenizer) {
  bool has_byte_level = false;
  for (const JsonField& part : flatten(pretokenizer, "pretokenizers")) {
    const JsonField type = part.member("type");
    if (has_byte_level) type.refuse(ErrorCode::unsupported, "before ByteLevel");
    if (type.string() == "Split") {
      spec.pretokenizer.push_back(read_split(part));
    } else if (type.string() == "Digits") {
      PretokenizerStage stage;
      stage.kind = PretokenizerStage::Kind::digits;
      stage.individual_digits = part.member("individual_digits").boolean_or(false);
      spec.pretokenizer.push_back(stage);
    } else if (type.string() == "ByteLevel") {
      has_byte_level = true;
      const JsonField prefix_space = part.member("add_prefix_space");
      spec.add_prefix_space = prefix_space.boolean_or(true);
      if (spec.add_prefix_space && !spec.pretokenizer.empty()) {
        prefix_space.refuse(ErrorCode::unsupported, "false behind another pretokenizer");
      }
      if (part.member("use_regex").boolean_or(true)) {
        spec.pretokenizer.push_back(pretokenizer_stages("gpt2")->front());
      }
    } else {
      type.refuse(ErrorCode::unsupported, "Sequence, Split, Digits or ByteLevel");
    }
  }
  if (!has_byte_level) {
    pretokenizer.refuse(ErrorCode::unsupported, "one that ends with ByteLevel");
  }
  spec.pretokenizer_name = "custom";
  for (const char* name : {"gpt2", "llama3", "qwen2", "smollm"}) {
    if (spec.pretokenizer == *pretokenizer_stages(name)) spec.pretokenizer_name = name;
  }
}

// BOS and EOS stand around sequence A in the template for one text.
void read_template(TokenizerSpec& spec, const JsonField& processing) {
  std::vector<TokenId>* side = &spec.prefix_ids;
  for (const JsonField& entry : processing.member("single").elements()) {
    if (!entry.member("Sequence").is_null()) {
      side = &spec.suffix_ids;
      continue;
    }
    const std::string& name = entry.member("SpecialToken").member("id").string();
    const JsonField token = processing.member("special_tokens").member(name);
    for (const JsonField& id : token.member("ids").elements()) side->push_back(id.id());
  }
  if (side == &spec.prefix_ids) {
    processing.member("single").refuse(ErrorCode::unsupported, "a template with a Sequence");
  }
  if (!spec.prefix_ids.empty()) spec.bos_id = spec.prefix_ids.front();
}

void read_post_processor(TokenizerSpec& spec, const JsonField& post_processor) {
  for (const JsonField& part : flatten(post_processor, "processors")) {
    const JsonField type = part.member("type");
    if (type.string() == "TemplateProcessing") {
      read_template(spec, part);
    } else if (type.string() != "ByteLevel") {  // ByteLevel only moves offsets
      type.refuse(ErrorCode::unsupported, "Sequence, TemplateProcessing or ByteLevel");
    }
  }
}

void check_decoder(const JsonField& decoder) {
  const std::vector<JsonField> parts = flatten(decoder, "decoders");
  if (parts.size() != 1) decoder.refuse(ErrorCode::unsupported, "ByteLevel");
  const JsonField type = parts.front().member("type");
  if (type.string() != "ByteLevel") type.refuse(ErrorCode::unsupported, "'ByteLevel'");
}

}  // namespace

TokenizerSpec parse_tokenizer_json(std::string_view json, const std::string& source) {
  const nlohmann::json document = parse_json(json, source);
  const JsonField root(document, source);
  TokenizerSpec spec;
  spec.source = source;
  const JsonField model = root.member("model");
  check_model(model);
  read_normalizer(spec, root.member("normalizer"));
  read_pretokenizer(spec, root.member("pre_tokenizer"));
  read_post_processor(spec, root.member("post_processor"));
  check_decoder(root.member("decoder"));
  read_added_tokens(spec, root.member("added_tokens"));
  read_model(spec, model);
  return spec;
}

}  // namespace tinyllm
