#pragma once
// The model speaks a few words: in a process of its own, with whatever operators that binary holds,
// through the plain reference path. The caller's process, with the engine's own operators, then
// says whether it would have chosen the same tokens. One thread.

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/sampling_params.h"
#include "loader/context_settings.h"

namespace tinyllm {
class Tokenizer;
}

namespace tinyllm::learn {

struct Voice {
  std::string text;
  std::vector<TokenId> prompt_ids, token_ids;
  double seconds_a_token = 0;
  bool interrupted = false;  // by Ctrl-C: no more words, and nothing to compare
  std::string broken;        // "" or why there is no answer: a crash, or it took too long
};

// Runs `binary`. `on_pace` is told the seconds that one token takes before the first word comes,
// `on_text` the text as it comes. Ctrl-C ends the speech, not this program.
Voice speak(const std::filesystem::path& binary, const std::string& model,
            const std::string& prompt, const std::function<void(double)>& on_pace,
            const std::function<void(std::string_view)>& on_text);

// What runs inside that process. The report is a JSON of ids.
void run_voice(const std::string& model, const std::string& prompt,
               const std::filesystem::path& report);

struct VoiceComparison {
  std::size_t n_equal = 0;      // tokens that the engine's operators choose too
  std::size_t n_near_ties = 0;  // others whose logit is as good as the best one's
  bool parted = false;          // a real difference: at `at`
  std::size_t at = 0;
  std::string yours, engine;  // the two tokens there
  double gap = 0;             // between their logits, by the engine
};
// Logits as close as this are decided by the order of additions, in float32.
inline constexpr double kNearTie = 0.05;
// And where activations are rounded to 8 bits: there one rounding of an operator moves a logit by
// 0.15 (SmolLM2, RMSNorm multiplied in another order), and a comparison is of two of them.
inline constexpr double kNearTieQuantised = 0.3;

// Counts the next token of the answer; nothing more once they have parted. `gap`: how much higher
// the logit of `best` is, by the engine. Without a tokenizer tokens are shown as numbers: "#17".
struct ChosenTokens {
  TokenId mine, best;
};
void note_token(VoiceComparison& comparison, ChosenTokens chosen, double gap, double near_tie,
                const std::optional<Tokenizer>& tokenizer);

// `settings`: with which the model spoke.
VoiceComparison compare_with_engine(const std::string& model, const Voice& voice,
                                    const ContextSettings& settings = {});

// "24 of 24 tokens are the engine's own", or where they part.
std::string describe(const VoiceComparison& comparison, std::size_t n_tokens);

}  // namespace tinyllm::learn
