#pragma once
// For tests: whether a grammar takes texts, and how it refuses.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "grammar/grammar.h"
#include "grammar/matcher.h"

namespace tinyllm {

inline bool takes(const std::shared_ptr<const Grammar>& grammar, const std::string& text) {
  Matcher matcher(grammar);
  return matcher.accept_bytes(text) == text.size() && matcher.may_end();
}

inline void expect_texts(const GrammarSource& source, const std::vector<std::string>& right,
                         const std::vector<std::string>& wrong) {
  const std::shared_ptr<const Grammar> grammar = Grammar::compile(source);
  for (const std::string& text : right) {
    EXPECT_TRUE(takes(grammar, text)) << source.text << " must take " << text.substr(0, 200);
  }
  for (const std::string& text : wrong) {
    EXPECT_FALSE(takes(grammar, text)) << source.text << " takes " << text.substr(0, 200);
  }
}

// The message; "" when the source compiles.
inline std::string refusal(const GrammarSource& source) {
  try {
    Grammar::compile(source);
  } catch (const GrammarRefusal& refusal) {
    return refusal.what();
  }
  return "";
}

}  // namespace tinyllm
