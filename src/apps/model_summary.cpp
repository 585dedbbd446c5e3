#include "apps/model_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "base/error.h"
#include "loader/text/text_sources.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

const char* container_name(CheckpointFormat format) {
  switch (format) {
    case CheckpointFormat::gguf: return "GGUF";
    case CheckpointFormat::hugging_face: return "Hugging Face folder";
    case CheckpointFormat::random: return "random weights";
  }
  return "";
}

const char* scaling_name(RopeScaling::Type type) {
  switch (type) {
    case RopeScaling::Type::none: return "none";
    case RopeScaling::Type::linear: return "linear";
    case RopeScaling::Type::llama3: return "llama3";
    case RopeScaling::Type::yarn: return "yarn";
  }
  return "";
}

json moe_json(const MoeConfig& moe) {
  return {{"n_experts", moe.n_experts},
          {"n_experts_per_token", moe.n_experts_per_token},
          {"intermediate_size", moe.intermediate_size},
          {"shared_intermediate_size", moe.shared_intermediate_size},
          {"norm_weights", moe.norm_weights},
          {"dense_layers", moe.dense_layers}};
}

// Runs of neighbouring layers that see the same: {"layers": n, "window": N, "sinks": M}, and N is 0
// where they see all positions.
json windows_json(const ModelConfig& config) {
  json runs = json::array();
  for (const AttentionWindow& layer : config.windows) {
    if (!runs.empty() && runs.back()["window"] == layer.window &&
        runs.back()["sinks"] == layer.sinks) {
      runs.back()["layers"] = runs.back()["layers"].get<std::int64_t>() + 1;
    } else {
      runs.push_back({{"layers", 1}, {"window", layer.window}, {"sinks", layer.sinks}});
    }
  }
  return runs;
}

json config_json(const ModelConfig& config) {
  json facts = {{"vocab_size", config.vocab_size},
                {"hidden_size", config.hidden_size},
                {"intermediate_size", config.intermediate_size},
                {"n_layers", config.n_layers},
                {"n_heads", config.n_heads},
                {"n_kv_heads", config.n_kv_heads},
                {"head_dim", config.head_dim},
                {"max_seq_len", config.max_seq_len},
                {"norm_eps", config.norm_eps},
                {"rope_theta", config.rope_theta},
                {"rope_pairing",
                 config.rope_pairing == RopePairing::interleaved ? "interleaved" : "split_halves"},
                {"rope_scaling", scaling_name(config.rope_scaling.type)},
                {"qkv_bias", config.qkv_bias},
                {"qk_norm", config.qk_norm},
                {"tie_word_embeddings", config.tie_word_embeddings}};
  if (!config.windows.empty()) facts["windows"] = windows_json(config);
  if (config.moe.n_experts > 0) facts["moe"] = moe_json(config.moe);
  return facts;
}

std::vector<std::int64_t> dims_of(const Shape& shape) {
  std::vector<std::int64_t> dims;
  for (int i = 0; i < shape.n_dims(); ++i) dims.push_back(shape[i]);
  return dims;
}

json tensors_json(const Checkpoint& checkpoint) {
  json tensors = json::array();
  for (const auto& [name_, tensor] : checkpoint.tensors()) {
    tensors.push_back({{"name", name_},
                       {"format", name(tensor.dtype)},
                       {"shape", dims_of(tensor.shape)},
                       {"bytes", tensor.n_bytes()}});
  }
  return tensors;
}

json special_token(const Tokenizer& tokenizer, std::int32_t id) {
  return {{"id", id}, {"text", tokenizer.decode(std::vector<std::int32_t>{id})}};
}

json text_json(const Checkpoint& checkpoint) {
  json text = {{"tokenizer", nullptr}, {"chat_template", false}, {"stop_tokens", json::array()}};
  std::optional<Tokenizer> tokenizer;
  try {
    tokenizer = load_tokenizer(checkpoint);
    if (tokenizer) {
      json facts = {{"kind", "byte-level BPE"},
                    {"pretokenizer", tokenizer->pretokenizer_name()},
                    {"vocab_size", tokenizer->vocab_size()}};
      if (tokenizer->bos_id()) facts["bos"] = special_token(*tokenizer, *tokenizer->bos_id());
      if (tokenizer->eos_id()) facts["eos"] = special_token(*tokenizer, *tokenizer->eos_id());
      text["tokenizer"] = facts;
    }
  } catch (const Error& error) {
    text["tokenizer"] = {{"error", error.what()}};
  }
  try {
    text["chat_template"] = load_chat_template(checkpoint).has_value();
  } catch (const Error& error) {
    text["chat_template"] = {{"error", error.what()}};
  }
  try {
    const GenerationDefaults defaults =
        load_generation_defaults(checkpoint, tokenizer ? &*tokenizer : nullptr);
    for (const std::int32_t id : defaults.stop_token_ids) {
      const bool known = tokenizer && id >= 0 && id < tokenizer->vocab_size();
      text["stop_tokens"].push_back(known ? special_token(*tokenizer, id) : json{{"id", id}});
    }
  } catch (const Error& error) {
    text["stop_tokens"] = {{"error", error.what()}};
  }
  return text;
}

// What `chat` takes at 2k, 8k and as far as the model was trained: the weights once, and the K/V rows
// of one sequence in bf16, its default.
json memory_json(const Checkpoint& checkpoint) {
  const ModelConfig& config = checkpoint.config();
  std::set<std::int64_t> contexts = {config.max_seq_len};
  for (const std::int64_t context : {2048, 8192}) {
    if (context < config.max_seq_len) contexts.insert(context);
  }
  constexpr std::int64_t kBf16Bytes = 2;
  std::int64_t weights_bytes = 0;
  for (const auto& [name_, tensor] : checkpoint.tensors()) weights_bytes += tensor.n_bytes();
  json memory = json::array();
  for (const std::int64_t context : contexts) {
    const std::int64_t rows = 2 * config.n_layers * context * config.kv_size() * kBf16Bytes;
    memory.push_back({{"context", context},
                      {"weights_bytes", weights_bytes},
                      {"kv_bytes", rows},
                      {"total_bytes", weights_bytes + rows}});
  }
  return memory;
}

// "blk.12.attn_q.weight" -> "blk.*.attn_q.weight"
std::string kind_of(const std::string& name) {
  std::string kind;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    const std::string part = name.substr(begin, end - begin);
    const bool number = !part.empty() && std::all_of(part.begin(), part.end(), [](unsigned char c) {
      return std::isdigit(c) != 0;
    });
    if (begin > 0) kind += '.';
    kind += number ? "*" : part;
    begin = end + 1;
  }
  return kind;
}

// "24 layers of 4096 positions, 8 of all": how many layers see how far.
std::string windows_text(const json& runs) {
  std::map<std::int64_t, std::int64_t> n_layers;  // by window, 0: all
  for (const json& run : runs)
    n_layers[run["window"].get<std::int64_t>()] += run["layers"].get<std::int64_t>();
  std::vector<std::string> parts;
  for (const auto& [window, n] : n_layers) {
    const std::string sight = window == 0 ? "all" : fmt::format("the last {}", window);
    parts.push_back(
        fmt::format("{} layer{} see{} {}", n, n == 1 ? "" : "s", n == 1 ? "s" : "", sight));
  }
  return fmt::format("{} positions", fmt::join(parts, ", "));
}

std::string row(std::string_view label, const std::string& value) {
  return fmt::format("  {:<14} {}\n", label, value);
}

std::string megabytes(const json& n_bytes) {
  return fmt::format("{:.0f} MB", n_bytes.get<double>() / 1e6);
}

std::string millions(std::int64_t n) {
  return n >= 1000000000 ? fmt::format("{:.2f} billion", static_cast<double>(n) / 1e9)
         : n >= 1000000  ? fmt::format("{:.1f} million", static_cast<double>(n) / 1e6)
                         : fmt::format("{}", n);
}

// 'reason' when the part holds an error, else what `format` says.
template <typename Format>
std::string or_error(const json& part, Format format) {
  if (part.is_object() && part.contains("error")) {
    return "not usable: " + part["error"].get<std::string>();
  }
  return format(part);
}

std::string tokenizer_text(const json& tokenizer) {
  if (tokenizer.is_null()) return "none (token ids only)";
  std::string text = fmt::format("{} ({}), {} tokens", tokenizer["kind"].get<std::string>(),
                                 tokenizer["pretokenizer"].get<std::string>(),
                                 tokenizer["vocab_size"].get<std::int64_t>());
  for (const char* role : {"bos", "eos"}) {
    if (!tokenizer.contains(role)) continue;
    text += fmt::format(", {} {} {}", role, tokenizer[role]["id"].get<int>(),
                        tokenizer[role]["text"].get<std::string>());
  }
  return text;
}

std::string stop_text(const json& stop_tokens) {
  std::vector<std::string> words;
  for (const json& token : stop_tokens) {
    words.push_back(fmt::format("{} {}", token["id"].get<int>(), token.value("text", "")));
  }
  return words.empty() ? "none known" : fmt::format("{}", fmt::join(words, ", "));
}

std::string kinds_table(const json& tensors) {
  struct Kind {
    std::map<std::string, int> formats;
    std::string shape;
  };
  std::map<std::string, Kind> kinds;
  for (const json& tensor : tensors) {
    Kind& kind = kinds[kind_of(tensor["name"])];
    ++kind.formats[tensor["format"]];
    kind.shape =
        fmt::format("{}", fmt::join(tensor["shape"].get<std::vector<std::int64_t>>(), " x "));
  }
  std::string table;
  for (const auto& [name, kind] : kinds) {
    std::vector<std::string> formats;
    for (const auto& [format, n] : kind.formats) formats.push_back(fmt::format("{} {}", n, format));
    table += fmt::format("  {:<44} {:>16}  {}\n", name, kind.shape, fmt::join(formats, ", "));
  }
  return table;
}

std::string tensors_table(const json& tensors) {
  std::string table;
  for (const json& tensor : tensors) {
    table += fmt::format("  {:<44} {:>16}  {}\n", tensor["name"].get<std::string>(),
                         fmt::join(tensor["shape"].get<std::vector<std::int64_t>>(), " x "),
                         tensor["format"].get<std::string>());
  }
  return table;
}

}  // namespace

json summarise(const Checkpoint& checkpoint) {
  json summary = {{"path", checkpoint.path().string()},
                  {"container", container_name(checkpoint.format())},
                  {"architecture", checkpoint.config().architecture},
                  {"config", config_json(checkpoint.config())}};
  std::int64_t n_parameters = 0;
  std::map<std::string, int> formats;
  for (const auto& [name_, tensor] : checkpoint.tensors()) {
    n_parameters += tensor.shape.n_elems();
    ++formats[name(tensor.dtype)];
  }
  summary["parameters"] = n_parameters;
  summary["file_bytes"] = checkpoint.file_bytes();
  summary["formats"] = formats;
  summary.update(text_json(checkpoint));
  summary["memory"] = memory_json(checkpoint);
  summary["tensors"] = tensors_json(checkpoint);
  return summary;
}

std::string format_summary(const json& summary, bool all_tensors) {
  const json& config = summary["config"];
  const auto number = [&](const char* field) { return config[field].get<std::int64_t>(); };
  const auto n_parameters = summary["parameters"].get<std::int64_t>();
  const double bits = 8 * summary["file_bytes"].get<double>() / static_cast<double>(n_parameters);
  std::string text = row("path", summary["path"]);
  text += row("container", summary["container"]);
  text += row("architecture", summary["architecture"]);
  text += row("size", fmt::format("{} parameters, {} ({:.2f} bits each)", millions(n_parameters),
                                  megabytes(summary["file_bytes"]), bits));
  text += row("layers", fmt::format("{} of width {}, MLP {}", number("n_layers"),
                                    number("hidden_size"), number("intermediate_size")));
  if (config.contains("moe")) {
    const json& moe = config["moe"];
    const auto shared = moe["shared_intermediate_size"].get<std::int64_t>();
    text +=
        row("experts", fmt::format("{} a layer of width {}, {} a token{}",
                                   moe["n_experts"].get<std::int64_t>(),
                                   moe["intermediate_size"].get<std::int64_t>(),
                                   moe["n_experts_per_token"].get<std::int64_t>(),
                                   shared > 0 ? fmt::format(", a shared one of {}", shared) : ""));
  }
  text += row("attention",
              fmt::format("{} heads of {}, {} K/V heads{}{}", number("n_heads"), number("head_dim"),
                          number("n_kv_heads"), config["qkv_bias"] ? ", q/k/v bias" : "",
                          config["qk_norm"] ? ", q/k norm" : ""));
  if (config.contains("windows")) text += row("windows", windows_text(config["windows"]));
  text += row("vocabulary", fmt::format("{} tokens, {} head", number("vocab_size"),
                                        config["tie_word_embeddings"] ? "tied" : "own"));
  text += row("positions", fmt::format("{}, RoPE theta {:g}, pairs {}, scaling {}",
                                       number("max_seq_len"), config["rope_theta"].get<double>(),
                                       config["rope_pairing"].get<std::string>(),
                                       config["rope_scaling"].get<std::string>()));
  text += row("tokenizer", or_error(summary["tokenizer"], tokenizer_text));
  text += row("stop tokens", or_error(summary["stop_tokens"], stop_text));
  text += row("chat template", or_error(summary["chat_template"], [](const json& has) {
                return std::string(has.get<bool>() ? "yes" : "no (a base model: use generate)");
              }));
  const char* label = "memory";
  for (const json& need : summary["memory"]) {
    text +=
        row(label, fmt::format("{} at context {}: weights {} + K/V rows {}",
                               megabytes(need["total_bytes"]), need["context"].get<std::int64_t>(),
                               megabytes(need["weights_bytes"]), megabytes(need["kv_bytes"])));
    label = "";
  }
  text += "\n";
  text += all_tensors ? tensors_table(summary["tensors"]) : kinds_table(summary["tensors"]);
  return text;
}

}  // namespace tinyllm
