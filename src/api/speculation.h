#pragma once
// Whether an engine guesses tokens ahead and verifies several of them in one step. The text is the
// same either way.

#include <optional>
#include <string_view>

namespace tinyllm {

enum class Speculation {
  automatic,  // suffix, and the draft model if there is one; off where the backend works a step
              // behind and there is none
  suffix,     // drafts from what stands in the text already or in answers given before
  model,      // drafts by the draft model alone
  off,
};

// "auto", "suffix", "model" or "off"; empty for anything else.
std::optional<Speculation> parse_speculation(std::string_view name);

}  // namespace tinyllm
