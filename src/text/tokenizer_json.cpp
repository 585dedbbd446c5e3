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
#include "base/log.h"
#include "base/quote.h"
#include "text/added_vocabulary.h"
#include "text/tokenizer_parts.h"
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

// The file's ids count only as far as the model has the token: as in Hugging Face's tokenizers, which
// warns as well.
void warn_of_other_ids(const TokenizerSpec& spec, const JsonField& list) {
  std::unordered_map<std::string_view, TokenId> ids;
  for (const AddedToken& token : spec.added_tokens) ids.emplace(token.text, token.id);
  for (const JsonField& entry : list.elements()) {
    const auto found = ids.find(entry.member("content").string());
    const TokenId wanted = entry.member("id").id();
    if (found == ids.end() || found->second == wanted) continue;
    log(LogLevel::warning, "{}: {} says {}, but token {} has id {}", spec.source,
        entry.member("id").path(), wanted, quote(found->first), found->second);
  }
}

void read_added_tokens(TokenizerSpec& spec, const JsonField& list, TokensBeside beside,
                       AddedVocabulary vocabulary) {
  std::vector<AddedToken> batch;
  if (!list.is_null()) {
    for (const JsonField& entry : list.elements()) {
      batch.push_back(read_added_token(entry));
      if (!beside.has_decoder) beside.by_id[entry.member("id").id()] = batch.back();
    }
  }
  vocabulary.add(batch);
  vocabulary.add_beside(beside);
  spec.added_tokens = vocabulary.tokens();
  for (AddedToken& token : spec.added_tokens) {
    // What it says when it is decoded: tokenizers reads it in the byte alphabet where it can.
    const std::optional<std::string> bytes = bytes_from_printable(token.text);
    token.in_model = token.in_model && bytes.has_value();
    put_token(spec, token.id, bytes.value_or(token.text));
    std::erase(spec.unreachable_ids, token.id);
  }
  if (!list.is_null()) warn_of_other_ids(spec, list);
}

// A token that is not written in the byte alphabet is only ever decoded, as its text.
void read_vocab(TokenizerSpec& spec, const JsonField& vocab) {
  spec.tokens.reserve(std::min<std::size_t>(vocab.object().size(), kMaxTokens));
  for (const auto& [text, id] : vocab.object().items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= kMaxTokens) {
      fail(ErrorCode::invalid_input, "{}: {}: the id of token {} must be a whole number below {}",
           spec.source, vocab.path(), quote(text), kMaxTokens);
    }
    const auto token_id = static_cast<TokenId>(id.get<std::uint64_t>());
    const std::optional<std::string> bytes = bytes_from_printable(text);
    if (!bytes) spec.unreachable_ids.push_back(token_id);
    put_token(spec, token_id, bytes.value_or(text));
  }
}

std::optional<TokenId> find_in(const JsonField& vocab, const std::string& text) {
  const auto found = vocab.object().find(text);
  if (found == vocab.object().end()) return std::nullopt;
  return found->get<TokenId>();
}

// The two tokens of a merge: "a b" (older files) or ["a", "b"].
std::pair<std::string, std::string> merge_parts(const nlohmann::json& merge) {
  if (merge.is_string()) {
    const std::string& both = merge.get_ref<const std::string&>();
    const std::size_t space = both.find(' ');
    if (space != std::string::npos) return {both.substr(0, space), both.substr(space + 1)};
  } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
             merge[1].is_string()) {
    return {merge[0].get<std::string>(), merge[1].get<std::string>()};
  }
  return {};
}

// A merge of tokens that no byte spells never happens; it keeps its place in the order.
void read_merges(TokenizerSpec& spec, const JsonField& model) {
  const JsonField vocab = model.member("vocab");
  std::size_t rank = 0;
  for (const nlohmann::json& merge : model.member("merges").array()) {
    if (merge.is_string() && merge.get_ref<const std::string&>().starts_with("#version")) continue;
    const auto [left, right] = merge_parts(merge);
    if (left.empty() || right.empty()) {
      fail(ErrorCode::invalid_input, "{}: model.merges[{}] must be two tokens", spec.source, rank);
    }
    for (const std::string& token : {left, right, left + right}) {
      if (find_in(vocab, token)) continue;
      fail(ErrorCode::invalid_input, "{}: merge {} is {} with {}, but {} is not a token",
           spec.source, rank, quote(left), quote(right), quote(token));
    }
    std::optional<std::string> first = bytes_from_printable(left);
    std::optional<std::string> second = bytes_from_printable(right);
    if (first && second) spec.merges.emplace_back(std::move(*first), std::move(*second));
    ++rank;
  }
}

void refuse_unless_empty(const JsonField& field, const char* wanted) {
  if (!field.is_null() && !field.string().empty()) field.refuse(ErrorCode::unsupported, wanted);
}

bool has_all_bytes(const JsonField& vocab) {
  for (int byte = 0; byte < 256; ++byte) {
    if (!find_in(vocab, printable_from_bytes(std::string(1, static_cast<char>(byte))))) {
      return false;
    }
  }
  return true;
}

// What becomes of bytes that are no token. A vocabulary that has them all needs none of it.
void read_unknown(TokenizerSpec& spec, const JsonField& model) {
  if (has_all_bytes(model.member("vocab"))) return;
  if (model.member("byte_fallback").boolean_or(false)) {
    model.member("byte_fallback")
        .refuse(ErrorCode::unsupported, "false in a vocabulary that lacks single bytes");
  }
  const JsonField unknown = model.member("unk_token");
  if (unknown.is_null()) return;
  spec.unknown_id = find_in(model.member("vocab"), unknown.string());
  if (!spec.unknown_id) unknown.refuse(ErrorCode::invalid_input, "a token");
  spec.fuse_unknown = model.member("fuse_unk").boolean_or(false);
}

void check_model(const JsonField& model) {
  const JsonField type = model.member("type");
  if (!type.is_null() && type.string() != "BPE") {
    type.refuse(ErrorCode::unsupported,
                "'BPE' (WordPiece, Unigram and WordLevel are not supported)");
  }
  if (model.member("dropout").number_or(0) != 0) {
    model.member("dropout").refuse(ErrorCode::unsupported, "null or 0");
  }
  refuse_unless_empty(model.member("continuing_subword_prefix"), "empty");
  refuse_unless_empty(model.member("end_of_word_suffix"), "empty");
}

void read_model(TokenizerSpec& spec, const JsonField& model) {
  spec.ignore_merges = model.member("ignore_merges").boolean_or(false);
  read_vocab(spec, model.member("vocab"));
  read_merges(spec, model);
  read_unknown(spec, model);
}

void read_normalizer(TokenizerSpec& spec, const JsonField& normalizer) {
  for (const JsonField& part : tokenizer_parts(normalizer, "normalizers")) {
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
  for (const JsonField& part : tokenizer_parts(pretokenizer, "pretokenizers")) {
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

void read_around(TokenizerSpec& spec, const JsonField& post_processor) {
  AroundText around = read_post_processor(post_processor);
  spec.prefix_ids = std::move(around.before);
  spec.suffix_ids = std::move(around.behind);
  if (!spec.prefix_ids.empty()) spec.bos_id = spec.prefix_ids.front();
}

void check_decoder(const JsonField& decoder) {
  const std::vector<JsonField> parts = tokenizer_parts(decoder, "decoders");
  if (parts.size() != 1) decoder.refuse(ErrorCode::unsupported, "ByteLevel");
  const JsonField type = parts.front().member("type");
  if (type.string() != "ByteLevel") type.refuse(ErrorCode::unsupported, "'ByteLevel'");
}

}  // namespace

AddedToken read_added_token(const JsonField& entry) {
  AddedToken token;
  token.text = entry.member("content").string();
  token.special = entry.member("special").boolean_or(false);
  token.lstrip = entry.member("lstrip").boolean_or(false);
  token.rstrip = entry.member("rstrip").boolean_or(false);
  token.single_word = entry.member("single_word").boolean_or(false);
  token.normalized = entry.member("normalized").boolean_or(!token.special);
  return token;
}

TokenizerSpec parse_tokenizer_json(std::string_view json, const std::string& source,
                                   const TokensBeside& beside) {
  const nlohmann::json document = parse_json(json, source);
  const JsonField root(document, source);
  TokenizerSpec spec;
  spec.source = source;
  const JsonField model = root.member("model");
  check_model(model);
  read_normalizer(spec, root.member("normalizer"));
  read_pretokenizer(spec, root.member("pre_tokenizer"));
  read_around(spec, root.member("post_processor"));
  check_decoder(root.member("decoder"));
  read_model(spec, model);
  const JsonField vocab = model.member("vocab");
  const auto n_tokens = static_cast<std::int64_t>(vocab.object().size());
  read_added_tokens(
      spec, root.member("added_tokens"), beside,
      AddedVocabulary([&](const std::string& text) { return find_in(vocab, text); }, n_tokens));
  return spec;
}

}  // namespace tinyllm
