// tinyllm grammar: compiles a grammar, checks texts against it, times it on a model's vocabulary.

#include "grammar/grammar.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "apps/grammar_options.h"
#include "apps/options.h"
#include "apps/standard_output.h"
#include "base/error.h"
#include "base/file.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "client/grammar_vocabulary.h"
#include "client/open_model.h"
#include "grammar/grammar_vocabulary.h"
#include "grammar/matcher.h"
#include "loader/text/text_sources.h"

namespace tinyllm {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

struct GrammarCommand {
  GrammarOptions source;
  std::string model;
  std::vector<std::string> checks;
  int n_samples = 0;
  bool has_stats = false, as_json = false;
};

double microseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

// "'}', ',', [0x30-0x39]": the bytes as ranges.
std::string describe(const ByteSet& bytes) {
  std::string text;
  for (int first = 0; first < 256; ++first) {
    if (!bytes.contains(static_cast<std::uint8_t>(first))) continue;
    int last = first;
    while (last < 255 && bytes.contains(static_cast<std::uint8_t>(last + 1))) ++last;
    const auto name = [](int byte) { return quote(std::string(1, static_cast<char>(byte))); };
    if (!text.empty()) text += ", ";
    text += last == first ? name(first) : fmt::format("{} to {}", name(first), name(last));
    first = last;
  }
  return text;
}

Json check_text(const std::shared_ptr<const Grammar>& grammar, const std::string& file,
                const std::string& text) {
  Matcher matcher(grammar);
  const std::size_t n_taken = matcher.accept_bytes(text);
  const bool is_accepted = n_taken == text.size() && matcher.may_end();
  Json result = {{"file", file}, {"accepted", is_accepted}};
  if (is_accepted) return result;
  if (matcher.failed()) fail(ErrorCode::unsupported, "{}: the grammar became too complex", file);
  result["byte"] = n_taken;
  result["found"] = n_taken < text.size() ? quote(text.substr(n_taken, 1)) : "the end";
  const std::string allowed = describe(matcher.next_bytes());
  result["allowed"] =
      matcher.may_end() ? allowed + (allowed.empty() ? "the end" : ", the end") : allowed;
  return result;
}

// A text of the grammar by random bytes; empty after too many. Bytes that close something come often.
std::optional<std::string> random_text(const std::shared_ptr<const Grammar>& grammar,
                                       std::mt19937& random) {
  constexpr std::size_t kMaxBytes = 2000;
  Matcher matcher(grammar);
  std::string text;
  while (text.size() < kMaxBytes) {
    const ByteSet next = matcher.next_bytes();
    if (matcher.may_end() && (next.empty() || random() % 3 == 0)) return text;
    std::vector<char> bytes, closing;
    for (int byte = 0; byte < 256; ++byte) {
      if (!next.contains(static_cast<std::uint8_t>(byte))) continue;
      bytes.push_back(static_cast<char>(byte));
      if (std::string_view("\"}],:").find(bytes.back()) != std::string_view::npos) {
        closing.push_back(bytes.back());
      }
    }
    const std::vector<char>& from = !closing.empty() && random() % 2 == 0 ? closing : bytes;
    if (from.empty()) break;
    text += from[random() % from.size()];
    matcher.accept_bytes(std::string_view(text).substr(text.size() - 1));
  }
  return std::nullopt;
}

Json random_texts(const std::shared_ptr<const Grammar>& grammar, int n_texts) {
  std::mt19937 random(1);  // the same texts each time
  Json texts = Json::array();
  for (int i = 0; i < n_texts; ++i) {
    const std::optional<std::string> text = random_text(grammar, random);
    if (text && is_valid_utf8(*text)) texts.push_back(*text);
  }
  return texts;
}

// The nearest-rank percentile of sorted values.
double percentile(const std::vector<double>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(rank, sorted.size() - 1)];
}

// Masks at each token of the texts, as a model that writes them would need them.
Json measure_masks(const std::shared_ptr<const Grammar>& grammar, const Checkpoint& checkpoint,
                   const std::vector<std::string>& texts) {
  const std::optional<Tokenizer> loaded = load_tokenizer(checkpoint);
  const Tokenizer& tokenizer = require(loaded, checkpoint);
  const auto vocabulary = make_grammar_vocabulary(
      tokenizer, load_generation_defaults(checkpoint, &tokenizer).stop_token_ids);
  std::vector<std::uint32_t> words(vocabulary->n_mask_words());
  std::vector<double> times;
  std::size_t n_forced = 0, n_bytes = 0;
  for (const std::string& text : texts) {
    Matcher matcher(grammar, vocabulary);
    std::vector<TokenId> ids =
        tokenizer.encode(text, {.add_special = false, .parse_special = false});
    ids.push_back(-1);  // the mask behind the last token
    for (const TokenId id : ids) {
      const Clock::time_point begin = Clock::now();
      matcher.mask(words);
      times.push_back(microseconds_since(begin));
      if (matcher.forced_token()) ++n_forced;
      const bool is_allowed = id >= 0 && (words[id / 32] >> (id % 32) & 1) != 0;
      if (id >= 0 && is_allowed != matcher.accept(id)) {
        fail(ErrorCode::unsupported, "internal error: mask and matcher differ on token {}", id);
      }
      if (!is_allowed) break;
    }
    n_bytes = std::max(n_bytes, matcher.n_bytes());
  }
  std::ranges::sort(times);
  return {{"vocab_size", vocabulary->vocab_size()},
          {"n_masks", times.size()},
          {"n_forced", n_forced},
          {"mask_us_p50", percentile(times, 0.5)},
          {"mask_us_p99", percentile(times, 0.99)},
          {"mask_us_max", times.back()},
          {"matcher_bytes", n_bytes}};
}

std::string as_text(const Json& answer) {
  std::string text;
  for (const Json& result : answer["results"]) {
    const std::string file = result["file"].get<std::string>();
    if (result["accepted"].get<bool>()) {
      text += file + ": accepted\n";
    } else {
      text += fmt::format("{}: not accepted: at byte {} is {}, allowed is {}\n", file,
                          result["byte"].get<std::size_t>(), result["found"].get<std::string>(),
                          result["allowed"].get<std::string>());
    }
  }
  if (answer["results"].empty()) text += "compiled\n";
  if (answer.contains("samples")) {
    for (const Json& sample : answer["samples"]) text += sample.get<std::string>() + "\n";
  }
  if (answer.contains("stats")) {
    for (const auto& [name, value] : answer["stats"].items()) {
      text += fmt::format("{:<14} {}\n", name, value.dump());
    }
  }
  return text;
}

void run_grammar(const GrammarCommand& command) {
  if (command.has_stats && command.model.empty()) {
    fail(ErrorCode::usage, "--stats needs a model's vocabulary: --model");
  }
  const std::optional<GrammarSource> source = grammar_source(command.source);
  if (!source) {
    fail(ErrorCode::usage,
         "one of --json-schema, --json-object, --regex, --grammar, --choice, --structural-tag is "
         "wanted");
  }
  std::shared_ptr<const Grammar> grammar;
  const Clock::time_point begin = Clock::now();
  try {
    grammar = Grammar::compile(*source);
  } catch (const GrammarRefusal& refusal) {
    const Json error = {{"message", refusal.what()},
                        {"keyword", refusal.keyword()},
                        {"pointer", refusal.pointer()}};
    if (command.as_json) write_stdout(Json{{"compiled", false}, {"error", error}}.dump() + "\n");
    throw;
  }
  const double compile_us = microseconds_since(begin);
  Json answer = {{"compiled", true}, {"results", Json::array()}};
  std::vector<std::string> texts;
  for (const std::string& file : command.checks) {
    texts.push_back(file == "-" ? read_stdin() : read_text_file(file));
    answer["results"].push_back(check_text(grammar, file, texts.back()));
  }
  if (command.has_stats) {
    if (texts.empty()) texts.emplace_back();
    answer["stats"] = measure_masks(grammar, open_checkpoint(command.model), texts);
    answer["stats"]["compile_us"] = compile_us;
  }
  if (command.n_samples > 0) answer["samples"] = random_texts(grammar, command.n_samples);
  write_stdout(command.as_json ? answer.dump() + "\n" : as_text(answer));
  const auto n_refused = std::ranges::count_if(
      answer["results"], [](const Json& result) { return !result["accepted"].get<bool>(); });
  if (n_refused > 0) {
    fail(ErrorCode::invalid_input, "{} of {} texts not accepted", n_refused, texts.size());
  }
}

}  // namespace

void add_grammar_command(Command app) {
  Command command = app.add_subcommand(
      "grammar", "Compile a schema, regex or grammar and check texts against it");
  auto options = std::make_shared<GrammarCommand>();
  add_grammar_options(command, options->source);
  command.add_option("--check", options->checks, "Texts to check, byte by byte; '-': stdin")
      .type_name("FILE");
  command.add_option("-m,--model", options->model, "Whose vocabulary --stats takes")
      .type_name("MODEL");
  command.add_flag("--stats", options->has_stats,
                   "Time the compilation, and the masks at each token of the texts");
  command.add_option("--sample", options->n_samples, "Random texts of the grammar, so many at most")
      .type_name("N")
      .in_range(0, 100000);
  command.add_flag("--json", options->as_json, "One JSON object");
  add_examples(
      command,
      "  tinyllm grammar --json-schema person.json --check answer.json\n"
      "  printf 2024 | tinyllm grammar --regex '[0-9]{4}' --check - --json\n"
      "  tinyllm grammar --grammar json.gbnf --check a.json b.json -m smollm2-135m --stats\n\n"
      "What cannot be enforced exactly is refused, with its place in the schema. The exit\n"
      "code is 0 when all texts are accepted, else 1.");
  command.callback([options] { run_grammar(*options); });
}

}  // namespace tinyllm
