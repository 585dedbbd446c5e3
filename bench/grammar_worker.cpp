// Times grammars for bench/grammar.py: reads lines of JSON {"schema": .., "text": ".."} and answers each
// with {"compile_us": .., "mask_us": [..]}, a mask for each token of the text.
//
// usage: grammar_worker MODEL

#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "client/grammar_vocabulary.h"
#include "base/error.h"
#include "client/open_model.h"
#include "grammar/grammar.h"
#include "grammar/grammar_vocabulary.h"
#include "grammar/matcher.h"
#include "loader/text/text_sources.h"

namespace {

using namespace tinyllm;
using Clock = std::chrono::steady_clock;

double microseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

nlohmann::json measure(const nlohmann::json& job, const Tokenizer& tokenizer,
                       const std::shared_ptr<const GrammarVocabulary>& vocabulary) {
  const GrammarSource source{GrammarKind::json_schema, job["schema"].get<std::string>()};
  nlohmann::json answer;
  const Clock::time_point begin = Clock::now();
  std::shared_ptr<const Grammar> grammar;
  try {
    grammar = Grammar::compile(source);
  } catch (const Error& error) {
    return {{"refused", error.what()}};
  }
  Matcher matcher(grammar, vocabulary);
  answer["compile_us"] = microseconds_since(begin);
  answer["mask_us"] = nlohmann::json::array();
  std::vector<std::uint32_t> words(vocabulary->n_mask_words());
  for (const TokenId id : tokenizer.encode(job["text"].get<std::string>(),
                                           {.add_special = false, .parse_special = false})) {
    const Clock::time_point start = Clock::now();
    matcher.mask(words);
    answer["mask_us"].push_back(microseconds_since(start));
    if ((words[id / 32] >> (id % 32) & 1) == 0 || !matcher.accept(id))
      return {{"refused", "the text"}};
  }
  answer["matcher_bytes"] = matcher.n_bytes();
  return answer;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: grammar_worker MODEL\n"), 2;
  try {
    const Checkpoint checkpoint = open_checkpoint(argv[1]);
    const std::optional<Tokenizer> loaded = load_tokenizer(checkpoint);
    const Tokenizer& tokenizer = require(loaded, checkpoint);
    const auto vocabulary =
        make_grammar_vocabulary(tokenizer, load_generation_defaults(checkpoint, &tokenizer).stop_token_ids);
    std::string line;
    while (std::getline(std::cin, line)) {
      std::cout << measure(nlohmann::json::parse(line), tokenizer, vocabulary).dump() << std::endl;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "grammar_worker: %s\n", error.what());
    return 1;
  }
  return 0;
}
