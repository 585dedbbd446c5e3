#pragma once
// What a model's text must look like: compiled once from a schema, a regular expression, a list of
// choices or a grammar, then shared by all texts that follow it (grammar/matcher.h).
//
// Sound before complete: what cannot be enforced exactly is refused, never ignored. Costs are
// bounded: a source that is too long, too deep or too complex is refused as well. Any thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace tinyllm {

enum class GrammarKind : std::uint8_t {
  json_schema,     // text: a schema of draft 2020-12, or of the draft that its "$schema" names
  json_object,     // any JSON object; text is not used
  regex,           // text: ECMA-262 with the u flag; the whole text matches
  choice,          // one of `choices`
  gbnf,            // text: llama.cpp's grammars
  structural_tag,  // text: JSON, {"structures": [{"begin", "schema", "end"}], "triggers": [..]}
  added,           // what `added` adds
  structure,       // text: a structural tag; one of its structures
  structures,      // the same; a JSON array of 1 to kMaxListed of its structures
};

class ExprPool;
class RuleSet;

// Rules that the caller adds himself, through grammar/rule_set.h.
struct AddedRules {
  std::string key = {};  // different for different rules, and about as long as what they come from
  // Returns the symbol of the texts. Throws GrammarRefusal or Error.
  std::function<std::uint32_t(ExprPool&, RuleSet&)> add = {};
};

// What a model may write before the text: any text up to the first of `ends`, and white space. A mark
// that is a special token is written as special_token_bytes() has it.
struct GrammarThinking {
  std::vector<std::string> begins, ends;
  bool has_begun = false;  // before the text; else it may begin with one of `begins`, or not at all
};

inline constexpr int kMaxListed = 16;  // a model that finds no end is stopped

struct GrammarSource {
  GrammarKind kind = GrammarKind::json_object;
  std::string text = {};
  std::vector<std::string> choices = {};
  AddedRules added = {};
  AddedRules or_added = {};  // what the text may be instead; without `add`: nothing else
  std::optional<GrammarThinking> thinking = {};
};

// A source that is malformed or cannot be enforced.
class GrammarRefusal : public Error {
 public:
  // `pointer`: of the place in a JSON source ("#/properties/a"); else empty. The message has both.
  GrammarRefusal(ErrorCode code, const std::string& message, std::string keyword,
                 std::string pointer)
      : Error(code, message), keyword_(std::move(keyword)), pointer_(std::move(pointer)) {}
  const std::string& keyword() const { return keyword_; }
  const std::string& pointer() const { return pointer_; }

 private:
  std::string keyword_, pointer_;
};

struct GrammarParts;  // grammar/grammar_parts.h

class Grammar {
 public:
  // Throws GrammarRefusal.
  static std::shared_ptr<const Grammar> compile(const GrammarSource& source);

  explicit Grammar(std::unique_ptr<GrammarParts> parts);
  ~Grammar();
  Grammar(const Grammar&) = delete;
  Grammar& operator=(const Grammar&) = delete;

  // Should be compiled anew for new texts: its automata are half full, or have overflowed. Neither
  // call waits for a matcher.
  bool is_worn() const;
  std::size_t n_bytes() const;  // of memory, about; grows as texts are matched
  GrammarParts& parts() const { return *parts_; }

 private:
  std::unique_ptr<GrammarParts> parts_;
};

}  // namespace tinyllm
