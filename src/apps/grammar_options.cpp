#include "apps/grammar_options.h"

#include "apps/standard_output.h"
#include "base/error.h"
#include "base/file.h"
#include "client/grammar_cache.h"
#include "text/model_text.h"

namespace tinyllm {
namespace {

constexpr const char* kGrammarGroup = "Grammar";

std::string read(const std::string& file) {
  return file == "-" ? read_stdin() : read_text_file(file);
}

int n_given(const GrammarOptions& options) {
  return int{!options.json_schema.empty()} + int{options.json_object} +
         int{options.regex.has_value()} + int{!options.gbnf.empty()} +
         int{!options.choices.empty()} + int{!options.structural_tag.empty()};
}

}  // namespace

bool GrammarOptions::given() const { return n_given(*this) > 0; }

void add_grammar_options(Command command, GrammarOptions& options) {
  command.add_option("--json-schema", options.json_schema, "A JSON schema; '-': stdin")
      .type_name("FILE")
      .group(kGrammarGroup);
  command.add_flag("--json-object", options.json_object, "Any JSON object").group(kGrammarGroup);
  command.add_option("--regex", options.regex, "A regular expression for the whole text")
      .type_name("REGEX")
      .group(kGrammarGroup);
  command
      .add_option("--grammar,--gbnf", options.gbnf,
                  "A grammar as llama.cpp writes them; '-': stdin")
      .type_name("FILE")
      .group(kGrammarGroup);
  command.add_option("--choice", options.choices, "One of these texts")
      .type_name("A,B")
      .delimiter(',')
      .group(kGrammarGroup);
  command
      .add_option("--structural-tag", options.structural_tag,
                  "Free text with structures behind triggers, as JSON; '-': stdin")
      .type_name("FILE")
      .group(kGrammarGroup);
}

void check_grammar(const GrammarOptions& options, const EngineFlags& flags) {
  const int n = n_given(options);
  if (n > 1) {
    fail(ErrorCode::usage,
         "give one of --json-schema, --json-object, --regex, --grammar, --choice, "
         "--structural-tag: each says what the whole text must look like");
  }
  if (n > 0 && flags.reference())
    fail(ErrorCode::usage, "--engine reference follows no grammar; leave one of them out");
}

std::optional<GrammarSource> grammar_source(const GrammarOptions& options) {
  check_grammar(options, {});
  if (!options.json_schema.empty())
    return GrammarSource{GrammarKind::json_schema, read(options.json_schema)};
  if (options.json_object) return GrammarSource{GrammarKind::json_object};
  if (options.regex) return GrammarSource{GrammarKind::regex, *options.regex};
  if (!options.gbnf.empty()) return GrammarSource{GrammarKind::gbnf, read(options.gbnf)};
  if (!options.choices.empty()) return GrammarSource{GrammarKind::choice, "", options.choices};
  if (!options.structural_tag.empty())
    return GrammarSource{GrammarKind::structural_tag, read(options.structural_tag)};
  return std::nullopt;
}

std::shared_ptr<const TextConstraint> text_constraint(const GrammarOptions& options,
                                                      const ModelText& text) {
  const std::optional<GrammarSource> source = grammar_source(options);
  if (!source) return nullptr;
  if (!text.tokenizer)
    fail(ErrorCode::unsupported, "the model has no tokenizer: its texts can follow no grammar");
  return GrammarCache(text).get(*source);
}

}  // namespace tinyllm
