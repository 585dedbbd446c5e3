#pragma once
// Says in a sentence why the cached beginning of a prompt ends where it does.

#include <cstdint>
#include <string>
#include <string_view>

#include "api/text_account.h"

namespace tinyllm {

// `own_token`: the text of the prompt's own token at the gap, as it may be shown. Blocks have
// block_size tokens.
std::string describe_gap(const TextAccount& account, std::int32_t block_size,
                         std::string_view own_token);

}  // namespace tinyllm
