#pragma once
// How well a document answers a query, by a cross-encoder: a BERT that reads both as one text, with a
// head of one number (Nogueira & Cho 2019; BertForSequenceClassification with one label). Owns the
// model, its tokenizer and its threads. score() may be called by several threads: they take turns,
// batch by batch.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/token_id.h"
#include "encoder/embedder.h"

namespace tinyllm {

// [CLS] query [SEP] document [SEP].
struct TextPair {
  std::vector<TokenId> ids;
  std::int64_t n_first = 0;  // ids of type 0: up to the first [SEP]
};

class CrossEncoder {
 public:
  // Throws as EncoderFolder and EncoderWeights, and Error{unsupported} for a folder that holds no
  // cross-encoder, or one with more than one label.
  explicit CrossEncoder(const std::filesystem::path& folder, const EmbedderOptions& options = {});
  ~CrossEncoder();
  CrossEncoder(const CrossEncoder&) = delete;
  CrossEncoder& operator=(const CrossEncoder&) = delete;

  std::int64_t max_seq_len() const;  // ids of a pair

  // What the model reads of a pair. Where both are too long together, the longer one is cut, and at
  // last both to a half each, as transformers' longest_first does it.
  TextPair encode(std::string_view query, std::string_view document) const;

  // out[i] = the score of pairs[i], in (0, 1): the sigmoid of the head, as sentence-transformers and
  // vLLM give it. `go_on` is asked before each batch. False: it said no, and `out` is not whole.
  // Throws Error{invalid_input} where a score is not finite: the weights are damaged.
  bool score(std::span<const TextPair> pairs, float* out, function_ref<bool()> go_on) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tinyllm
