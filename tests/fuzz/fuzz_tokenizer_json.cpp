// tokenizer.json from a stranger: parse it, build the tokenizer, and use it on a part of the input.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "text/detokenizer.h"
#include "text/tokenizer.h"
#include "text/tokenizer_spec.h"

using namespace tinyllm;

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void use(const Tokenizer& tokenizer, std::string_view text) {
  const std::vector<TextRange> plain = {{text.size() / 4, text.size() / 2}};
  for (const bool parse_special : {false, true}) {
    const std::vector<std::int32_t> ids =
        tokenizer.encode(text, {.parse_special = parse_special, .plain_ranges = plain});
    Detokenizer detokenizer(tokenizer, false);
    std::string streamed;
    for (const std::int32_t id : ids) {
      require(id >= 0 && id < tokenizer.vocab_size());
      streamed += detokenizer.push(id);
    }
    streamed += detokenizer.finish();
    require(streamed == tokenizer.decode(ids));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  try {
    const Tokenizer tokenizer(parse_tokenizer_json(input, "fuzz"));
    use(tokenizer, input.substr(0, 48));
    use(tokenizer, input.substr(size - size / 8));
  } catch (const Error&) {
    // Refused, with a message: that is right.
  }
  return 0;
}
