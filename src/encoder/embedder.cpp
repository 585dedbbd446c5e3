#include "encoder/embedder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>

#include "base/check.h"
#include "base/error.h"
#include "base/ticket_mutex.h"
#include "base/xxhash64.h"
#include "encoder/encoder.h"
#include "encoder/encoder_folder.h"
#include "encoder/pooling.h"
#include "kernels/cpu/pick_isa.h"

namespace tinyllm {
namespace {

// Tokens of a batch: enough that weights are read seldom, few enough that states stay in the cache.
constexpr std::int64_t kBatchTokens = 1024;

}  // namespace

struct Embedder::State {
  State(const std::filesystem::path& path, const EmbedderOptions& options)
      : folder(path),
        pool(options.n_threads > 0 ? options.n_threads : default_thread_count()),
        kernels(pick_row_kernels()),
        weights(folder.files, folder.config, options.precision, pool),
        max_tokens(std::max(kBatchTokens, folder.max_seq_len)),
        encoder(pool, kernels, folder.config, weights, max_tokens, folder.max_seq_len) {}

  // Texts order[begin, ...) as far as they fit; returns where the next batch begins.
  std::size_t embed_batch(std::span<const std::vector<TokenId>> texts,
                          std::span<const std::size_t> order, std::size_t begin, float* out);
  void check_finite(std::span<const float> vector) const;

  EncoderFolder folder;
  TicketMutex mutex;  // guards what follows: one batch at a time
  ThreadPool pool;
  const RowKernels kernels;
  EncoderWeights weights;
  std::int64_t max_tokens;
  Encoder encoder;
  std::vector<TokenId> ids;
  std::vector<std::int64_t> starts;
};

std::size_t Embedder::State::embed_batch(std::span<const std::vector<TokenId>> texts,
                                         std::span<const std::size_t> order, std::size_t begin,
                                         float* out) {
  ids.clear();
  starts.assign(1, 0);
  std::size_t end = begin;
  for (; end < order.size(); ++end) {
    const std::vector<TokenId>& text = texts[order[end]];
    CHECK(!text.empty() && std::ssize(text) <= folder.max_seq_len, "a text of {} ids", text.size());
    if (std::ssize(ids) + std::ssize(text) > max_tokens) break;
    ids.insert(ids.end(), text.begin(), text.end());
    starts.push_back(std::ssize(ids));
  }
  for (const TokenId id : ids) CHECK(id >= 0 && id < folder.config.vocab_size, "token id {}", id);
  const float* states = encoder.run(ids, starts);
  const std::int64_t n_dims = folder.config.hidden_size;
  for (std::size_t i = begin; i < end; ++i) {
    const std::int64_t first = starts[i - begin];
    float* vector = out + static_cast<std::int64_t>(order[i]) * n_dims;
    tinyllm::pool(folder.pooling, states + first * n_dims, starts[i - begin + 1] - first, n_dims,
                  vector);
    check_finite({vector, static_cast<std::size_t>(n_dims)});
  }
  return end;
}

void Embedder::State::check_finite(std::span<const float> vector) const {
  if (std::ranges::all_of(vector, [](float x) { return std::isfinite(x); })) return;
  fail(ErrorCode::invalid_input,
       "{}: gives a vector that is not finite; the weights may be damaged",
       folder.files.path().string());
}

Embedder::Embedder(const std::filesystem::path& folder, const EmbedderOptions& options)
    : state_(std::make_unique<State>(folder, options)) {
  if (!state_->folder.scores_pairs) return;
  fail(ErrorCode::unsupported,
       "{}: is a cross-encoder, which scores pairs of texts and makes no vectors; it is one for "
       "--reranker",
       folder.string());
}
Embedder::~Embedder() = default;

std::int64_t Embedder::n_dims() const { return state_->folder.config.hidden_size; }
std::int64_t Embedder::vocab_size() const { return state_->folder.tokenizer.vocab_size(); }
std::int64_t Embedder::max_seq_len() const { return state_->folder.max_seq_len; }
std::int64_t Embedder::n_around() const { return state_->folder.tokenizer.n_around(); }

std::string Embedder::fingerprint() const {
  std::uint64_t hash = 0;
  const auto add = [&](std::span<const std::byte> bytes) { hash = xxhash64(bytes, hash); };
  for (const char* name :
       {"config.json", "modules.json", "1_Pooling/config.json", "tokenizer.json"}) {
    const std::string text = state_->folder.files.find_text(name).value_or("");
    add(std::as_bytes(std::span(text)));
  }
  for (const auto& [name, tensor] : state_->folder.files.tensors()) {
    add(std::as_bytes(std::span(name)));
    add({tensor.data, static_cast<std::size_t>(tensor.n_bytes())});
  }
  return fmt::format("{:016x}", hash);
}

std::vector<TokenId> Embedder::tokenize(std::string_view text) const {
  return state_->folder.tokenizer.encode_text(text);
}

std::vector<TokenId> Embedder::surround(const std::vector<TokenId>& text_ids) const {
  return state_->folder.tokenizer.surround(text_ids, max_seq_len());
}

bool Embedder::embed(std::span<const std::vector<TokenId>> texts, float* out,
                     function_ref<bool()> go_on) const {
  std::vector<std::size_t> order(texts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return texts[i].size(); });
  for (std::size_t begin = 0; begin < order.size();) {
    if (!go_on()) return false;
    const std::scoped_lock lock(state_->mutex);
    begin = state_->embed_batch(texts, order, begin, out);
  }
  return true;
}

}  // namespace tinyllm
