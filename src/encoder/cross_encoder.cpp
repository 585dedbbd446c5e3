#include "encoder/cross_encoder.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/check.h"
#include "base/error.h"
#include "base/json_field.h"
#include "base/ticket_mutex.h"
#include "encoder/encoder.h"
#include "encoder/encoder_folder.h"
#include "kernels/cpu/pick_isa.h"
#include "quant/decode.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kBatchTokens = 1024;  // as the embedder's

EncoderFolder open_cross_encoder(const std::filesystem::path& path) {
  EncoderFolder folder(path);
  const std::string source = folder.files.source("config.json");
  if (!folder.scores_pairs)
    fail(ErrorCode::unsupported,
         "{}: architectures names no BertForSequenceClassification, which a cross-encoder is",
         source);
  const nlohmann::json config = folder.files.find_json("config.json").value();
  const JsonField labels = JsonField(config, source).member("id2label");
  const std::size_t n_labels = config.contains("id2label") ? config["id2label"].size() : 2;
  if (n_labels != 1) labels.refuse(ErrorCode::unsupported, "one label, whose number is the score");
  if (folder.config.n_token_types < 2)
    fail(ErrorCode::unsupported, "{}: type_vocab_size is {}, a pair of texts needs 2", source,
         folder.config.n_token_types);
  if (folder.tokenizer.n_around() != 2)
    fail(ErrorCode::unsupported, "{}: puts {} tokens around a text, must be 2: [CLS] and [SEP]",
         folder.files.source("tokenizer.json"), folder.tokenizer.n_around());
  return folder;
}

// A matrix with its bias, as floats: [n_rows, n_cols] and [n_rows].
struct HeadLayer {
  HeadLayer(const HuggingFaceFolder& files, const std::string& name, std::int64_t n_rows,
            std::int64_t n_cols)
      : weight(read(files, name + ".weight", n_rows, n_cols)),
        bias(read(files, name + ".bias", 1, n_rows)) {}

  static std::vector<float> read(const HuggingFaceFolder& files, const std::string& name,
                                 std::int64_t n_rows, std::int64_t n_cols) {
    const auto found = files.tensors().find(name);
    if (found == files.tensors().end())
      fail(ErrorCode::invalid_input, "{}: has no tensor {}, which a cross-encoder needs",
           files.path().string(), name);
    const Tensor& tensor = found->second;
    if (tensor.n_rows() != n_rows || tensor.n_cols() != n_cols)
      fail(ErrorCode::invalid_input, "{}: tensor {} is [{}, {}], must be [{}, {}]",
           files.path().string(), name, tensor.n_rows(), tensor.n_cols(), n_rows, n_cols);
    std::vector<float> values(static_cast<std::size_t>(n_rows * n_cols));
    for (std::int64_t i = 0; i < n_rows; ++i)
      decode_row(tensor.dtype, tensor.row(i), values.data() + i * n_cols, n_cols);
    return values;
  }

  float row(std::size_t i, const float* x, std::size_t n_cols) const {
    return std::inner_product(x, x + n_cols, weight.data() + i * n_cols, bias[i]);
  }

  std::vector<float> weight, bias;
};

}  // namespace

struct CrossEncoder::State {
  State(const std::filesystem::path& path, const EmbedderOptions& options)
      : folder(open_cross_encoder(path)),
        pool(options.n_threads > 0 ? options.n_threads : default_thread_count()),
        kernels(pick_row_kernels()),
        weights(folder.files, folder.config, options.precision, pool),
        pooler(folder.files, "bert.pooler.dense", folder.config.hidden_size,
               folder.config.hidden_size),
        classifier(folder.files, "classifier", 1, folder.config.hidden_size),
        max_tokens(std::max(kBatchTokens, folder.max_seq_len)),
        encoder(pool, kernels, folder.config, weights, max_tokens, folder.max_seq_len) {}

  // The pairs order[begin, ...) as far as they fit; returns where the next batch begins.
  std::size_t score_batch(std::span<const TextPair> pairs, std::span<const std::size_t> order,
                          std::size_t begin, float* out);
  float score(const float* cls) const;

  EncoderFolder folder;
  TicketMutex mutex;  // guards what follows: one batch at a time
  ThreadPool pool;
  const RowKernels kernels;
  EncoderWeights weights;
  HeadLayer pooler, classifier;
  std::int64_t max_tokens;
  Encoder encoder;
  std::vector<TokenId> ids;
  std::vector<std::uint8_t> types;
  std::vector<std::int64_t> starts;
};

float CrossEncoder::State::score(const float* cls) const {
  const auto n = static_cast<std::size_t>(folder.config.hidden_size);
  std::vector<float> pooled(n);
  for (std::size_t i = 0; i < n; ++i) pooled[i] = std::tanh(pooler.row(i, cls, n));
  const float score = 1 / (1 + std::exp(-classifier.row(0, pooled.data(), n)));
  if (std::isfinite(score)) return score;
  fail(ErrorCode::invalid_input, "{}: gives a score that is not finite; the weights may be damaged",
       folder.files.path().string());
}

std::size_t CrossEncoder::State::score_batch(std::span<const TextPair> pairs,
                                             std::span<const std::size_t> order, std::size_t begin,
                                             float* out) {
  ids.clear();
  types.clear();
  starts.assign(1, 0);
  std::size_t end = begin;
  for (; end < order.size(); ++end) {
    const TextPair& pair = pairs[order[end]];
    CHECK(!pair.ids.empty() && std::ssize(pair.ids) <= folder.max_seq_len, "a pair of {} ids",
          pair.ids.size());
    if (std::ssize(ids) + std::ssize(pair.ids) > max_tokens) break;
    ids.insert(ids.end(), pair.ids.begin(), pair.ids.end());
    types.resize(types.size() + static_cast<std::size_t>(pair.n_first), 0);
    types.resize(ids.size(), 1);
    starts.push_back(std::ssize(ids));
  }
  const float* states = encoder.run(ids, starts, types);
  for (std::size_t i = begin; i < end; ++i)
    out[order[i]] = score(states + starts[i - begin] * folder.config.hidden_size);
  return end;
}

CrossEncoder::CrossEncoder(const std::filesystem::path& folder, const EmbedderOptions& options)
    : state_(std::make_unique<State>(folder, options)) {}
CrossEncoder::~CrossEncoder() = default;

std::int64_t CrossEncoder::max_seq_len() const { return state_->folder.max_seq_len; }

TextPair CrossEncoder::encode(std::string_view query, std::string_view document) const {
  const WordPieceTokenizer& tokenizer = state_->folder.tokenizer;
  std::vector<TokenId> first = tokenizer.encode_text(query),
                       second = tokenizer.encode_text(document);
  const std::vector<TokenId> around = tokenizer.surround({}, tokenizer.n_around());
  const auto room =
      static_cast<std::size_t>(std::max<std::int64_t>(max_seq_len() - tokenizer.n_around() - 1, 0));
  if (first.size() + second.size() > room) {
    const bool is_first_longer = first.size() > second.size();
    std::vector<TokenId>& shorter = is_first_longer ? second : first;
    std::vector<TokenId>& longer = is_first_longer ? first : second;
    shorter.resize(std::min(shorter.size(), room / 2));
    longer.resize(room - shorter.size());
  }
  TextPair pair{.ids = tokenizer.surround(first, max_seq_len()), .n_first = 0};
  pair.n_first = std::ssize(pair.ids);
  pair.ids.insert(pair.ids.end(), second.begin(), second.end());
  pair.ids.push_back(around.back());
  return pair;
}

bool CrossEncoder::score(std::span<const TextPair> pairs, float* out,
                         function_ref<bool()> go_on) const {
  std::vector<std::size_t> order(pairs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return pairs[i].ids.size(); });
  for (std::size_t begin = 0; begin < order.size();) {
    if (!go_on()) return false;
    const std::scoped_lock lock(state_->mutex);
    begin = state_->score_batch(pairs, order, begin, out);
  }
  return true;
}

}  // namespace tinyllm
