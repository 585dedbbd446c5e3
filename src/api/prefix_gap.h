#pragma once
// Why the cached beginning of a prompt ends where it does. A plain struct.

#include <cstdint>

namespace tinyllm {

struct PrefixGap {
  enum class Why : std::uint8_t {
    not_looked,  // nothing was looked for: no cache, or a prompt whose logits are wanted
    whole,       // every whole block was found; one token at least is always computed
    differs,     // the nearest cached text goes on with another token
    unknown,     // no cached text goes on from here: never computed, not yet, or forgotten since
    given_away,  // it is known, but memory that a window needs was given to others
  };
  Why why = Why::not_looked;
  // Leading tokens that prompt and nearest cached text have in common; with `differs` the index of
  // the first token that differs. Texts of the same cache salt only.
  std::int64_t n_common = 0;
};

// "differs" and so on.
const char* name(PrefixGap::Why why);

}  // namespace tinyllm
