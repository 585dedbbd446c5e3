#pragma once
// The added tokens of a Hugging Face tokenizer, as its files add them one after another: first
// tokenizer.json, then what transformers reads beside it. Later flags win, special stays special.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/tokenizer_spec.h"

namespace tinyllm {

class AddedVocabulary {
 public:
  // `find_in_model`: the id of a text in the model's own vocabulary, which has `n_model_tokens`.
  using FindToken = std::function<std::optional<TokenId>(const std::string&)>;
  AddedVocabulary(FindToken find_in_model, std::int64_t n_model_tokens)
      : find_in_model_(std::move(find_in_model)), n_model_tokens_(n_model_tokens) {}

  // One call of `add_tokens` in Hugging Face's tokenizers. Ids are not looked at: a token that the
  // model has keeps its id, others get the next free ones. Empty texts are left out.
  void add(const std::vector<AddedToken>& batch);

  // What transformers adds when it opens a folder (PreTrainedTokenizerFast). A named token is
  // special, whatever the flags of its entry by id say.
  void add_beside(const TokensBeside& beside);

  // With ids. Special ones first: of two that are the same once normalised, the first counts.
  std::vector<AddedToken> tokens() const;

 private:
  struct Entry {
    AddedToken latest;        // its flags count, but for the next
    bool is_special = false;  // it was special in some call
  };

  Entry& entry_of(const AddedToken& token);
  TokenId next_id() const;

  FindToken find_in_model_;
  std::int64_t n_model_tokens_;
  std::vector<Entry> entries_;  // in the order of their first call
  std::unordered_map<std::string, std::size_t> index_;
  std::vector<std::size_t> specials_;  // in the order in which they became special
  std::optional<TokenId> last_id_;     // the highest so far
};

}  // namespace tinyllm
