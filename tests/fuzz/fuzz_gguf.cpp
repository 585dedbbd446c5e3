// Any bytes as a GGUF file: parsed, turned into a config,
// bound to roles, its vocabulary read. Each may refuse with an Error;
// nothing may crash, read past the end or allocate what the file only claims to hold.

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"
#include "loader/config_from_gguf.h"
#include "loader/gguf.h"
#include "loader/model_weights.h"
#include "loader/text/special_tokens.h"
#include "loader/text/tokenizer_from_gguf.h"

namespace {

template <typename Call>
void allow_error(Call call) {
  try {
    call();
  } catch (const tinyllm::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tinyllm;
  allow_error([&] {
    const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
    const GgufContents contents = parse_gguf(bytes, "fuzz.gguf");
    allow_error([&] {
      const ModelConfig config = config_from_gguf(contents.metadata, contents.tensors);
      bind_weights(config, contents.tensors, WeightNaming::gguf, "fuzz.gguf");
    });
    allow_error([&] { tokenizer_from_gguf(contents.metadata); });
    allow_error([&] { special_tokens_from_gguf(contents.metadata); });
  });
  return 0;
}
