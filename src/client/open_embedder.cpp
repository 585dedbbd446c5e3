#include "client/open_embedder.h"

#include "base/error.h"
#include "encoder/encoder_folder.h"
#include "loader/random_checkpoint.h"
#include "model_store/model_store.h"

namespace tinyllm {

bool is_embedder(const std::string& name) {
  if (is_random_name(name)) return false;
  try {
    return is_encoder_folder(ModelStore().resolve(name));
  } catch (const Error&) {
    return false;  // whoever opens it says what is wrong
  }
}

std::unique_ptr<Embedder> open_embedder(const std::string& name, const EmbedderOptions& options) {
  const std::filesystem::path path =
      is_random_name(name) ? std::filesystem::path(name) : ModelStore().resolve(name);
  if (!is_encoder_folder(path)) {
    fail(ErrorCode::unsupported,
         "{}: is no embedding model; that is a sentence-transformers folder with a config.json of "
         "model_type 'bert', such as all-minilm-l6-v2 (`tinyllm pull all-minilm-l6-v2`)",
         name);
  }
  return std::make_unique<Embedder>(path, options);
}

bool is_cross_encoder(const std::string& name) {
  if (is_random_name(name)) return false;
  try {
    return is_cross_encoder_folder(ModelStore().resolve(name));
  } catch (const Error&) {
    return false;
  }
}

std::unique_ptr<CrossEncoder> open_cross_encoder(const std::string& name,
                                                 const EmbedderOptions& options) {
  const std::filesystem::path path =
      is_random_name(name) ? std::filesystem::path(name) : ModelStore().resolve(name);
  if (!is_cross_encoder_folder(path)) {
    fail(ErrorCode::unsupported,
         "{}: is no cross-encoder; that is a folder whose config.json names "
         "BertForSequenceClassification. A model that writes judges without --reranker",
         name);
  }
  return std::make_unique<CrossEncoder>(path, options);
}

}  // namespace tinyllm
