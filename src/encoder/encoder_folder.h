#pragma once
// A sentence-transformers folder: what its JSON files say of an encoder, beside the weights.
// Any thread.

#include <cstdint>
#include <filesystem>

#include "encoder/encoder_config.h"
#include "encoder/pooling.h"
#include "loader/hf_folder.h"
#include "text/wordpiece_tokenizer.h"

namespace tinyllm {

struct EncoderFolder {
  HuggingFaceFolder files;
  EncoderConfig config;
  Pooling pooling;
  WordPieceTokenizer tokenizer;
  std::int64_t max_seq_len;  // ids of a text with [CLS] and [SEP]; longer ones are cut
  bool scores_pairs;         // a cross-encoder (BertForSequenceClassification): no vectors

  // Throws Error{not_found | invalid_input | unsupported | io}; the message names file, field,
  // found, wanted. A folder without modules.json is pooled by the mean, as sentence-transformers
  // does it, and the log says so.
  explicit EncoderFolder(const std::filesystem::path& folder);
};

// Does this path hold a cross-encoder: a folder whose config.json names
// BertForSequenceClassification? Throws nothing.
bool is_cross_encoder_folder(const std::filesystem::path& path);

// Does this path hold an encoder, not a model that generates? A folder whose config.json has
// "model_type": "bert". Throws nothing.
bool is_encoder_folder(const std::filesystem::path& path);

}  // namespace tinyllm
