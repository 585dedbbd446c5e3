#pragma once
// The normaliser of BERT's tokenizers (Devlin et al. 2018; transformers' BertNormalizer). Pure
// function: any thread.

#include <string>
#include <string_view>

namespace tinyllm {

struct BertNormalizer {
  bool clean_text = true;           // controls go, each white space becomes a blank
  bool separate_ideographs = true;  // blanks around each CJK ideograph
  bool strip_accents = true;        // decomposed (NFD), then the marks go
  bool lowercase = true;            // character by character: without Greek's final sigma

  // `text` is well-formed UTF-8, and so is the result.
  std::string operator()(std::string_view text) const;
};

}  // namespace tinyllm
