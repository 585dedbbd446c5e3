// Any bytes as a regular expression: it compiles or is refused, and what it compiles to takes and refuses
// texts in bounded time and memory.

#include "walk_grammar.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  return tinyllm::walk_grammar(tinyllm::GrammarKind::regex, data, size);
}
