#include "encoder/encoder_folder.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json_field.h"
#include "base/json_parse.h"
#include "base/log.h"

namespace tinyllm {
namespace {

namespace fs = std::filesystem;

nlohmann::json need_json(const HuggingFaceFolder& files, const std::string& name) {
  std::optional<nlohmann::json> json = files.find_json(name);
  if (!json)
    fail(ErrorCode::not_found, "{}: has no {}, which an encoder needs", files.path().string(),
         name);
  return std::move(*json);
}

// "sentence_transformers.models.Pooling" -> "Pooling"
std::string kind_of(const JsonField& module) {
  const std::string& type = module.member("type").string();
  return type.substr(type.rfind('.') + 1);
}

PoolingKind read_pooling_kind(const HuggingFaceFolder& files, const std::string& path) {
  const std::string name = path.empty() ? "config.json" : path + "/config.json";
  const nlohmann::json json = need_json(files, name);
  const JsonField root(json, files.source(name));
  // Newer folders say one word, older ones a flag a kind.
  if (const JsonField mode = root.member("pooling_mode"); !mode.is_null()) {
    if (mode.string() == "mean") return PoolingKind::mean;
    if (mode.string() == "cls") return PoolingKind::cls;
    mode.refuse(ErrorCode::unsupported, "'mean' or 'cls'");
  }
  const auto flag = [&](const char* field) { return root.member(field).boolean_or(false); };
  for (const char* other : {"pooling_mode_max_tokens", "pooling_mode_mean_sqrt_len_tokens",
                            "pooling_mode_weightedmean_tokens", "pooling_mode_lasttoken"}) {
    if (flag(other)) root.member(other).refuse(ErrorCode::unsupported, "false (mean or CLS only)");
  }
  const bool mean = flag("pooling_mode_mean_tokens"), cls = flag("pooling_mode_cls_token");
  if (mean == cls) {
    root.member("pooling_mode_mean_tokens")
        .refuse(ErrorCode::unsupported,
                fmt::format("{} beside pooling_mode_cls_token {}", !mean, cls));
  }
  return mean ? PoolingKind::mean : PoolingKind::cls;
}

void check_module_path(const JsonField& module) {
  const JsonField path = module.member("path");
  const fs::path relative = path.string_or("");
  const bool leaves = relative.is_absolute() || std::ranges::find(relative, "..") != relative.end();
  if (leaves) path.refuse(ErrorCode::invalid_input, "a folder inside the model's");
}

// Transformer, Pooling and, where vectors get length 1, Normalize.
Pooling read_modules(const HuggingFaceFolder& files) {
  const std::string name = "modules.json";
  const std::optional<std::string> text = files.find_text(name);
  if (!text) return {};
  const nlohmann::json json = parse_json(*text, files.source(name));
  const std::vector<JsonField> modules = JsonField(json, files.source(name)).elements();
  Pooling pooling;
  for (std::size_t i = 0; i < modules.size(); ++i) {
    const JsonField& module = modules[i];
    check_module_path(module);
    const std::string kind = kind_of(module);
    const bool in_place = (i == 0 && kind == "Transformer") || (i == 1 && kind == "Pooling") ||
                          (i == 2 && kind == "Normalize");
    if (!in_place) {
      module.member("type").refuse(ErrorCode::unsupported,
                                   "Transformer, then Pooling, then Normalize or nothing");
    }
    if (kind == "Pooling")
      pooling.kind = read_pooling_kind(files, module.member("path").string_or(""));
    if (kind == "Normalize") pooling.normalises = true;
  }
  return pooling;
}

// What sentence-transformers would do to a text before the tokenizer sees it, and we do not.
void check_texts_go_as_they_are(const HuggingFaceFolder& files,
                                const WordPieceTokenizer& tokenizer) {
  const std::string name = "sentence_bert_config.json";
  if (const std::optional<nlohmann::json> json = files.find_json(name)) {
    const JsonField lowers = JsonField(*json, files.source(name)).member("do_lower_case");
    if (lowers.boolean_or(false) && !tokenizer.lowers())
      lowers.refuse(ErrorCode::unsupported, "false where tokenizer.json keeps capitals");
  }
  const std::string prompts = "config_sentence_transformers.json";
  if (const std::optional<nlohmann::json> json = files.find_json(prompts)) {
    const JsonField prompt = JsonField(*json, files.source(prompts)).member("default_prompt_name");
    if (!prompt.is_null())
      prompt.refuse(ErrorCode::unsupported, "null: no words are put before a text here");
  }
}

// Of sentence_bert_config.json, else of the position table.
std::int64_t read_max_seq_len(const HuggingFaceFolder& files, const EncoderConfig& config,
                              std::int64_t n_around) {
  const std::string name = "sentence_bert_config.json";
  const std::optional<nlohmann::json> json = files.find_json(name);
  if (!json) return config.max_positions;
  const JsonField length = JsonField(*json, files.source(name)).member("max_seq_length");
  const std::int64_t wanted = length.count_or(config.max_positions);
  if (wanted <= n_around)
    length.refuse(ErrorCode::invalid_input, fmt::format("at least {}", n_around + 1));
  return std::min(wanted, config.max_positions);
}

WordPieceTokenizer read_tokenizer(const HuggingFaceFolder& files, const EncoderConfig& config) {
  const std::string name = "tokenizer.json";
  const std::optional<std::string> text = files.find_text(name);
  if (!text)
    fail(ErrorCode::not_found, "{}: has no {}, which an encoder needs", files.path().string(),
         name);
  WordPieceTokenizer tokenizer(parse_wordpiece_json(*text, files.source(name)));
  if (tokenizer.vocab_size() > config.vocab_size) {
    fail(ErrorCode::invalid_input, "{}: has {} tokens, config.json says vocab_size {}",
         files.source(name), tokenizer.vocab_size(), config.vocab_size);
  }
  if (tokenizer.n_around() == 0 || tokenizer.n_around() >= config.max_positions) {
    fail(ErrorCode::unsupported, "{}: puts {} tokens around a text, must be in [1, {})",
         files.source(name), tokenizer.n_around(), config.max_positions);
  }
  return tokenizer;
}

bool names_cross_encoder(const nlohmann::json& config) {
  const auto classes = config.find("architectures");
  return classes != config.end() && classes->is_array() && !classes->empty() &&
         classes->front() == "BertForSequenceClassification";
}

}  // namespace

EncoderFolder::EncoderFolder(const fs::path& folder)
    : files(folder),
      config(read_encoder_config(need_json(files, "config.json"), files.source("config.json"))),
      pooling(read_modules(files)),
      tokenizer(read_tokenizer(files, config)),
      max_seq_len(read_max_seq_len(files, config, tokenizer.n_around())),
      scores_pairs(names_cross_encoder(need_json(files, "config.json"))) {
  check_texts_go_as_they_are(files, tokenizer);
  if (!files.has_file("modules.json") && !scores_pairs) {
    log(LogLevel::warning, "{}: has no modules.json, so its vectors are the mean over the tokens",
        folder.string());
  }
}

bool is_cross_encoder_folder(const fs::path& path) {
  try {
    if (!is_encoder_folder(path)) return false;
    const HuggingFaceFolder files(path);
    const std::optional<nlohmann::json> config = files.find_json("config.json");
    return config && names_cross_encoder(*config);
  } catch (const Error&) {
    return false;
  }
}

bool is_encoder_folder(const fs::path& path) { return model_type_of(path) == "bert"; }

}  // namespace tinyllm
