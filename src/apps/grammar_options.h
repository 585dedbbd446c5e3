#pragma once
// The flags that say what a text must look like, of generate, chat and grammar. Main thread only.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/command.h"
#include "apps/engine_options.h"
#include "grammar/grammar.h"

namespace tinyllm {

struct ModelText;
struct TextConstraint;

// What stood on the command line.
struct GrammarOptions {
  std::string json_schema, gbnf, structural_tag;  // files; "-": stdin
  std::optional<std::string> regex;
  std::vector<std::string> choices;
  bool json_object = false;

  bool given() const;  // at least one
};

void add_grammar_options(Command command, GrammarOptions& options);

// Throws Error{usage} for two of them, and where the reference path would ignore one.
void check_grammar(const GrammarOptions& options, const EngineFlags& flags);

// Reads it; empty where no flag was given. Throws Error{usage | io}.
std::optional<GrammarSource> grammar_source(const GrammarOptions& options);

// Compiled for a model with a tokenizer; null where no flag was given. Throws GrammarRefusal.
std::shared_ptr<const TextConstraint> text_constraint(const GrammarOptions& options,
                                                      const ModelText& text);

}  // namespace tinyllm
