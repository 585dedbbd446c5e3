#pragma once
// For the fuzz targets of grammars: compiles a source and walks what it compiles to.

#include <cstdlib>
#include <string>

#include "grammar/grammar.h"
#include "grammar/matcher.h"

namespace tinyllm {

// The first allowed byte, at most 60 times: a viable prefix is never without a next byte or an end.
inline int walk_grammar(GrammarKind kind, const unsigned char* data, std::size_t size) {
  try {
    const auto grammar =
        Grammar::compile({kind, std::string(reinterpret_cast<const char*>(data), size)});
    Matcher matcher(grammar);
    for (int i = 0; i < 60; ++i) {
      const ByteSet next = matcher.next_bytes();
      if (next.empty()) {
        if (!matcher.may_end() && !matcher.failed()) std::abort();
        break;
      }
      int byte = i % 2 == 0 ? 0 : 255;
      while (!next.contains(static_cast<unsigned char>(byte))) byte += i % 2 == 0 ? 1 : -1;
      const char text = static_cast<char>(byte);
      if (matcher.accept_bytes({&text, 1}) != 1 && !matcher.failed()) std::abort();
    }
    if (matcher.n_bytes() > std::size_t{2} << 20) std::abort();
  } catch (const GrammarRefusal&) {
    return 0;
  }
  return 0;
}

}  // namespace tinyllm
