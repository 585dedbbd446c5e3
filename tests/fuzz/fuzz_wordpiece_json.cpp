// tokenizer.json of an encoder from a stranger: parse it, build the tokenizer, and use it on a part
// of the input.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "text/wordpiece_tokenizer.h"

using namespace tinyllm;

namespace {

void use(const WordPieceTokenizer& tokenizer, std::string_view text) {
  for (const TokenId id : tokenizer.encode(text)) {
    if (id < 0 || id >= tokenizer.vocab_size()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  try {
    const WordPieceTokenizer tokenizer(parse_wordpiece_json(input, "fuzz"));
    use(tokenizer, input.substr(0, 48));
    use(tokenizer, input.substr(size - size / 8));
  } catch (const Error&) {
    // Refused, with a message: that is right.
  }
  return 0;
}
