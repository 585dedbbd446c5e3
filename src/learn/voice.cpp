#include "learn/voice.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/context_limit.h"
#include "base/child_process.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/json_parse.h"
#include "client/chat_prompt.h"
#include "client/loaded_reference.h"
#include "client/open_model.h"
#include "learn/screen.h"
#include "loader/text/text_sources.h"
#include "reference/generate.h"
#include "sampling/argmax.h"
#include "text/detokenizer.h"

namespace tinyllm::learn {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxTokens = 24;
constexpr double kMaxSeconds = 20;    // of speaking
constexpr double kStartSeconds = 60;  // for reading weights and prompt, before it counts as hung
constexpr std::int64_t kContext = 256;

constexpr auto kDrawNothing = [](std::int64_t, std::int64_t) {};  // no progress bar here

struct SpeakingModel {
  explicit SpeakingModel(const std::string& name)
      : checkpoint(open_checkpoint(name)),
        text(load_model_text(checkpoint)),
        tokenizer(require(text.tokenizer, checkpoint)),
        reference(checkpoint, 0, kContext, kDrawNothing),
        model(reference.model()) {}

  Checkpoint checkpoint;
  ModelText text;
  const Tokenizer& tokenizer;
  LoadedReference reference;
  reference::Model& model;
};

// The prompt as a chat model wants it; as it is for one that has no template.
std::vector<TokenId> prompt_ids(const ModelText& text, const std::string& prompt) {
  if (!text.chat_template_error.empty()) {
    fail(ErrorCode::unsupported, "{}", text.chat_template_error);
  }
  if (!text.chat_template) return text.tokenizer->encode(prompt);
  const nlohmann::ordered_json inputs = {{"messages", {{{"role", "user"}, {"content", prompt}}}}};
  return encode_chat(*text.tokenizer, text.chat_template->render(inputs));
}

// What a program of ours says before it ends with an error; "" when it said nothing.
std::string last_error(const std::string& output) {
  const std::size_t begin = output.rfind("tinyllm: ");
  if (begin == output.npos) return "";
  return output.substr(begin, output.find('\n', begin) - begin);
}

}  // namespace

void run_voice(const std::string& model, const std::string& prompt, const fs::path& report) {
  SpeakingModel speaking(model);
  const std::vector<TokenId> ids = prompt_ids(speaking.text, prompt);
  if (ids.empty()) fail(ErrorCode::invalid_input, "the prompt is empty; give at least one token");
  require_room(std::ssize(ids), kContext);
  speaking.model.forward({ids.data(), 1});  // the first pass is slower than the others
  speaking.model.rewind(0);
  Stopwatch clock;
  speaking.model.forward({ids.data(), 1});
  say(fmt::format("{:.4f}\n", clock.seconds()));
  speaking.model.rewind(0);

  SamplingParams greedy;
  greedy.temperature = 0;
  greedy.max_tokens = kMaxTokens;
  Detokenizer words(speaking.tokenizer);
  bool has_begun = false;
  const reference::GenerateResult result =
      reference::generate(speaking.model, ids, greedy,
                          {.eos_ids = speaking.text.defaults.stop_token_ids}, [&](TokenId id) {
                            if (!std::exchange(has_begun, true)) clock.restart();
                            say(words.push(id));
                            return clock.seconds() < kMaxSeconds;
                          });
  say(words.finish());
  std::vector<TokenId> spoken = result.token_ids;
  if (result.end_id >= 0) spoken.push_back(result.end_id);
  write_file_atomic(report, nlohmann::json{{"prompt_ids", ids}, {"token_ids", spoken}}.dump());
}

Voice speak(const fs::path& binary, const std::string& model, const std::string& prompt,
            const std::function<void(double)>& on_pace,
            const std::function<void(std::string_view)>& on_text) {
  const fs::path report = fmt::format("{}.voice-{}", binary.string(), ::getpid());
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
    fs::remove(report);
  } else if (child.stopped) {
    voice.broken = "it did not come to an end in time";
  } else if (child.signal > 0) {
    voice.broken = fmt::format("it crashed ({})", strsignal(child.signal));
  } else if (std::string error = last_error(child.output); !error.empty()) {
    voice.broken = std::move(error);
  } else {
    voice.broken = fmt::format("it left the program before the answer was complete (exit code {})",
                               child.exit_code);
  }
  return voice;
}

void note_token(VoiceComparison& comparison, ChosenTokens chosen, double gap, double near_tie,
                const std::optional<Tokenizer>& tokenizer) {
  if (comparison.parted) return;
  if (chosen.mine == chosen.best) {
    comparison.n_equal += 1;
  } else if (gap <= near_tie) {
    comparison.n_near_ties += 1;
  } else {
    comparison.parted = true;
    comparison.at = comparison.n_equal + comparison.n_near_ties;
    comparison.gap = gap;
    const auto shown = [&](TokenId id) {
      return tokenizer ? std::string(tokenizer->token_bytes(id)) : fmt::format("#{}", id);
    };
    comparison.yours = shown(chosen.mine);
    comparison.engine = shown(chosen.best);
  }
}

VoiceComparison compare_with_engine(const std::string& model, const Voice& voice,
                                    const ContextSettings& settings) {
  const Checkpoint checkpoint = open_checkpoint(model, settings);
  const ModelText text = load_text(checkpoint);
  const std::int64_t n_tokens = std::ssize(voice.prompt_ids) + std::ssize(voice.token_ids);
  LoadedReference reference(checkpoint, 0, n_tokens, kDrawNothing);
  std::vector<TokenId> ids = voice.prompt_ids;
  ids.insert(ids.end(), voice.token_ids.begin(), voice.token_ids.end());
  VoiceComparison comparison;
  const auto first = std::ssize(voice.prompt_ids) - 1;
  reference.model().forward_all(ids, [&](std::int64_t position, std::span<const float> logits) {
    const std::int64_t i = position - first;
    if (i < 0 || i >= std::ssize(voice.token_ids)) return;
    const ChosenTokens chosen{voice.token_ids[i], argmax(logits)};
    const double gap =
        static_cast<double>(logits[chosen.best]) - static_cast<double>(logits[chosen.mine]);
    note_token(comparison, chosen, gap, kNearTie, text.tokenizer);
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
