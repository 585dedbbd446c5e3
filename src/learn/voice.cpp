#include "learn/voice.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/child_process.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/json_parse.h"
#include "base/thread_pool.h"
#include "learn/screen.h"
#include "loader/checkpoint.h"
#include "loader/text/text_sources.h"
#include "model_store/model_store.h"
#include "reference/model.h"
#include "sampling/argmax.h"
#include "text/detokenizer.h"

namespace tinyllm::learn {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxTokens = 24;
constexpr double kMaxSeconds = 20;    // of speaking
constexpr double kStartSeconds = 60;  // for reading weights and prompt, before it counts as hung
constexpr std::int64_t kContext = 256;
constexpr double kNearTie = 0.05;  // logits as close as this are decided by the order of additions

struct SpeakingModel {
  explicit SpeakingModel(const std::string& name)
      : checkpoint(Checkpoint::open(ModelStore().resolve(name))),
        tokenizer(load_tokenizer(checkpoint)),
        pool(default_thread_count()),
        model(checkpoint, pool, kContext) {
    if (!tokenizer) fail(ErrorCode::unsupported, "{}: has no tokenizer", name);
  }

  Checkpoint checkpoint;
  std::optional<Tokenizer> tokenizer;
  ThreadPool pool;
  reference::Model model;
};

// The prompt as a chat model wants it; as it is for one that has no template.
std::vector<TokenId> prompt_ids(const SpeakingModel& speaking, const std::string& prompt) {
  const std::optional<ChatTemplate> chat = load_chat_template(speaking.checkpoint);
  if (!chat) return speaking.tokenizer->encode(prompt);
  const nlohmann::ordered_json inputs = {{"messages", {{{"role", "user"}, {"content", prompt}}}}};
  const MarkedText text = chat->render(inputs);
  EncodeOptions options;
  options.add_special = false;
  return speaking.tokenizer->encode(text.text, options);
}

}  // namespace

void run_voice(const std::string& model, const std::string& prompt, const fs::path& report) {
  SpeakingModel speaking(model);
  const std::vector<TokenId> ids = prompt_ids(speaking, prompt);
  const std::vector<TokenId> ends =
      load_generation_defaults(speaking.checkpoint, &*speaking.tokenizer).stop_token_ids;
  if (ids.empty() || static_cast<std::int64_t>(ids.size() + kMaxTokens) > kContext) {
    fail(ErrorCode::context_overflow, "the prompt has {} tokens, must have 1 to {}", ids.size(),
         kContext - static_cast<std::int64_t>(kMaxTokens));
  }
  speaking.model.forward({ids.data(), 1});  // reads the weights
  speaking.model.rewind(0);
  Stopwatch clock;
  speaking.model.forward({ids.data(), 1});
  say(fmt::format("{:.4f}\n", clock.seconds()));
  speaking.model.rewind(0);

  std::vector<TokenId> spoken;
  Detokenizer words(*speaking.tokenizer);
  std::span<const float> logits = speaking.model.forward(ids);
  clock.restart();
  while (spoken.size() < kMaxTokens && clock.seconds() < kMaxSeconds) {
    const TokenId id = argmax(logits);
    spoken.push_back(id);
    if (std::ranges::find(ends, id) != ends.end()) break;
    say(words.push(id));
    logits = speaking.model.forward({&id, 1});
  }
  say(words.finish());
  write_file_atomic(report, nlohmann::json{{"prompt_ids", ids}, {"token_ids", spoken}}.dump());
}

Voice speak(const fs::path& binary, const std::string& model, const std::string& prompt,
            const std::function<void(double)>& on_pace,
            const std::function<void(std::string_view)>& on_text) {
  const fs::path report = binary.string() + ".voice";
  fs::remove(report);
  Voice voice;
  std::size_t heard = 0;  // bytes of output that were passed on
  const auto pass_on = [&](std::string_view output) {
    if (heard == 0) {
      const std::size_t end = output.find('\n');
      if (end == output.npos) return;
      voice.seconds_a_token = std::strtod(std::string(output.substr(0, end)).c_str(), nullptr);
      heard = end + 1;
      on_pace(voice.seconds_a_token);
    }
    on_text(output.substr(heard));
    voice.text += output.substr(heard);
    heard = output.size();
  };
  const Stopwatch clock;
  const InterruptFlag interrupt;
  const ChildResult child =
      run_child({binary.string(), "learn", "run-voice", model, prompt, report.string()}, {},
                [&](std::string_view output) {
                  pass_on(output);
                  return !interrupt.raised() && clock.seconds() < kStartSeconds + kMaxSeconds;
                });
  voice.interrupted = interrupt.raised();
  if (voice.interrupted) return voice;
  if (child.exit_code == 0 && fs::exists(report)) {
    pass_on(child.output);
    const nlohmann::json found = parse_json(read_text_file(report), report.filename());
    voice.prompt_ids = found["prompt_ids"].get<std::vector<TokenId>>();
    voice.token_ids = found["token_ids"].get<std::vector<TokenId>>();
  } else if (child.stopped) {
    voice.broken = "it did not come to an end in time";
  } else if (child.exit_code > 128) {
    voice.broken = fmt::format("it crashed ({})", strsignal(child.exit_code - 128));
  } else {
    voice.broken = child.output.substr(0, child.output.find('\n'));
  }
  return voice;
}

VoiceComparison compare_with_engine(const std::string& model, const Voice& voice) {
  SpeakingModel speaking(model);
  std::vector<TokenId> ids = voice.prompt_ids;
  ids.insert(ids.end(), voice.token_ids.begin(), voice.token_ids.end());
  VoiceComparison comparison;
  const auto first = static_cast<std::int64_t>(voice.prompt_ids.size()) - 1;
  speaking.model.forward_all(ids, [&](std::int64_t position, std::span<const float> logits) {
    const std::int64_t i = position - first;
    if (i < 0 || i >= static_cast<std::int64_t>(voice.token_ids.size()) || comparison.parted)
      return;
    const TokenId mine = voice.token_ids[static_cast<std::size_t>(i)], best = argmax(logits);
    if (mine == best) {
      comparison.n_equal += 1;
      return;
    }
    comparison.gap = static_cast<double>(logits[static_cast<std::size_t>(best)]) -
                     static_cast<double>(logits[static_cast<std::size_t>(mine)]);
    if (comparison.gap <= kNearTie) {
      comparison.n_near_ties += 1;
      return;
    }
    comparison.parted = true;
    comparison.at = static_cast<std::size_t>(i);
    comparison.yours = speaking.tokenizer->token_bytes(mine);
    comparison.engine = speaking.tokenizer->token_bytes(best);
  });
  return comparison;
}

std::string describe(const VoiceComparison& comparison, std::size_t n_tokens) {
  if (comparison.parted) {
    return fmt::format(
        "they part at token {}: yours says '{}', the engine's operators '{}' (its logit is {:.2g} "
        "higher)",
        comparison.at + 1, comparison.yours, comparison.engine, comparison.gap);
  }
  std::string text = fmt::format("{} of {} tokens are what the engine's own operators choose",
                                 comparison.n_equal, n_tokens);
  if (comparison.n_near_ties > 0) {
    text +=
        fmt::format("; {} near tie(s): two tokens as good as each other", comparison.n_near_ties);
  }
  return text;
}

}  // namespace tinyllm::learn
