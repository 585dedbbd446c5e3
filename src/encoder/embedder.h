#pragma once
// Texts to vectors by a BERT-class encoder (sentence-transformers). Owns the model, its tokenizer
// and its threads. embed() may be called by several threads: they take turns, batch by batch, in the
// order in which they ask.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/token_id.h"
#include "encoder/encoder_precision.h"

namespace tinyllm {

struct EmbedderOptions {
  EncoderPrecision precision = EncoderPrecision::int8;
  int n_threads = 0;  // 0: all physical cores
};

class Embedder {
 public:
  // A sentence-transformers folder. Throws as EncoderFolder and EncoderWeights.
  explicit Embedder(const std::filesystem::path& folder, const EmbedderOptions& options = {});
  ~Embedder();
  Embedder(const Embedder&) = delete;
  Embedder& operator=(const Embedder&) = delete;

  std::int64_t n_dims() const;
  std::int64_t vocab_size() const;
  std::int64_t max_seq_len() const;  // ids of a text with [CLS] and [SEP]
  std::int64_t n_around() const;     // how many of them [CLS] and [SEP] are
  // Of the weights and of the files that say how they are read: 16 hex digits. Vectors of embedders
  // with the same one can be compared, whatever their precision.
  std::string fingerprint() const;

  // Ids without [CLS] and [SEP], uncut.
  std::vector<TokenId> tokenize(std::string_view text) const;
  // Ids as embed() takes them: [CLS] and [SEP] around, the text cut to max_seq_len.
  std::vector<TokenId> surround(const std::vector<TokenId>& text_ids) const;

  // out[i] = the vector of texts[i]; out: [texts, n_dims] f32. Texts go sorted by length, in packed
  // batches; `go_on` is asked before each. False: it said no, and `out` is not whole. A text has 1
  // to max_seq_len ids of the vocabulary. Throws Error{invalid_input} where a vector is not finite:
  // the weights are damaged, or too large for floats.
  bool embed(std::span<const std::vector<TokenId>> texts, float* out,
             function_ref<bool()> go_on) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tinyllm
