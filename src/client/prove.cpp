#include "client/prove.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/temporary_folder.h"
#include "base/thread_pool.h"
#include "client/read_stream.h"
#include "engine/engine.h"
#include "engine/open_engine.h"
#include "loader/checkpoint.h"

namespace tinyllm {
namespace {

constexpr std::int32_t kBlockSize = 16, kChunk = 16, kCrowd = 12;

// FNV-1a over the answers' tokens and the bits of their log-probabilities.
class AnswerHash {
 public:
  void add(std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8)
      hash_ = (hash_ ^ ((value >> shift) & 0xFFu)) * 0x100000001B3u;
  }
  void add(const OutputPiece& piece) {
    // One after the other, so that it does not matter how many tokens came at once.
    for (std::size_t i = 0; i < piece.token_ids.size(); ++i) {
      add(static_cast<std::uint32_t>(piece.token_ids[i]));
      add(std::bit_cast<std::uint32_t>(piece.logprobs.at(i).drawn.logprob));
    }
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325u;
};

class Prover {
 public:
  Prover(const Checkpoint& checkpoint, std::shared_ptr<const ModelText> text,
         const ProofOptions& options, function_ref<void(const ProofStep& step)> on_step)
      : checkpoint_(checkpoint), text_(std::move(text)), options_(options), on_step_(on_step) {}

  void run() {
    alone();
    other_threads();
    in_chunks();
    in_a_crowd_and_cached();
    after_preemption();
    in_less_memory();
    with_drafts();
    with_a_draft_model();
    after_a_restart();
  }

 private:
  // Greedy, drawn, and drawn with penalties.
  std::vector<Request> requests() const {
    std::vector<Request> all(3);
    for (std::size_t i = 0; i < all.size(); ++i) {
      Request& request = all[i];
      request.prompt_ids = options_.prompt_ids;
      request.params.max_tokens = options_.max_tokens;
      request.params.ignore_eos = true;
      request.params.n_logprobs = 0;
      request.params.seed = 7 + i;
      request.params.temperature = i == 0 ? 0.0f : 0.8f;
      request.params.top_p = i == 0 ? 1.0f : 0.95f;
      if (i == 2) request.params.repetition_penalty = 1.1f;
    }
    return all;
  }

  // Others, whose prompts begin elsewhere in the same text.
  std::vector<Request> crowd() const {
    std::vector<Request> all;
    for (std::int32_t i = 0; i < kCrowd; ++i) {
      Request request = requests()[static_cast<std::size_t>(i % 3)];
      const auto shift = static_cast<std::size_t>(1 + 5 * i) % request.prompt_ids.size();
      std::ranges::rotate(request.prompt_ids,
                          request.prompt_ids.begin() + static_cast<std::ptrdiff_t>(shift));
      request.params.seed += 100 + static_cast<std::uint64_t>(i);
      request.params.max_tokens = options_.max_tokens - i % 5;
      all.push_back(std::move(request));
    }
    return all;
  }

  EngineOptions lone_options() const {
    EngineOptions options = options_.engine;
    options.limits.max_num_seqs = 1;
    options.limits.max_num_batched_tokens = 512;
    options.limits.max_model_len =
        static_cast<std::int32_t>(std::ssize(options_.prompt_ids)) + options_.max_tokens;
    options.kv.block_size = kBlockSize;
    options.kv.n_blocks = blocks_a_text();
    options.prefix_cache = false;
    options.speculation = Speculation::off;
    options.draft_model.clear();
    return options;
  }

  std::int32_t blocks_a_text() const {
    return static_cast<std::int32_t>(
        (std::ssize(options_.prompt_ids) + options_.max_tokens + kBlockSize - 1) / kBlockSize);
  }

  std::unique_ptr<Engine> open(const EngineOptions& options) const {
    return open_engine(checkpoint_, text_, options, [](std::int64_t, std::int64_t) {});
  }

  // The three requests at the same time, among others; the hash of their answers.
  std::uint64_t answers(Engine& engine, const std::vector<Request>& others = {}) {
    std::vector<std::shared_ptr<RequestStream>> streams, beside;
    for (std::size_t i = 0; i < others.size() / 2; ++i) beside.push_back(engine.submit(others[i]));
    for (const Request& request : requests()) streams.push_back(engine.submit(request));
    for (std::size_t i = others.size() / 2; i < others.size(); ++i)
      beside.push_back(engine.submit(others[i]));
    AnswerHash hash;
    n_cached_ = 0;
    for (const auto& stream : streams) {
      read_stream(*stream, [&](OutputPiece&& piece) {
        hash.add(piece);
        n_cached_ += piece.n_cached_tokens;
      });
    }
    for (const auto& stream : beside) read_stream(*stream, [](OutputPiece&&) {});
    return hash.value();
  }

  void tell(std::string condition, std::uint64_t hash, std::string what, bool met = true) {
    if (!first_hash_) first_hash_ = hash;
    on_step_({std::move(condition), std::move(what), met, hash == *first_hash_, hash});
  }

  void tell_not_applicable(std::string condition, std::string why) {
    on_step_({.condition = std::move(condition), .what = std::move(why), .applies = false});
  }

  void alone() {
    const std::unique_ptr<Engine> engine = open(lone_options());
    tell("alone", answers(*engine), fmt::format("{} threads", engine->options().n_threads));
  }

  void other_threads() {
    EngineOptions options = lone_options();
    const int n_threads = options.n_threads == 0 ? default_thread_count() : options.n_threads;
    options.n_threads = n_threads == 1 ? 2 : n_threads - 1;
    tell("with other threads", answers(*open(options)),
         fmt::format("{} threads", options.n_threads));
  }

  void in_chunks() {
    EngineOptions options = lone_options();
    options.limits.max_num_batched_tokens = kChunk;
    tell("in chunks", answers(*open(options)),
         fmt::format("{} tokens of the prompt a step", kChunk));
  }

  void in_a_crowd_and_cached() {
    EngineOptions options = lone_options();
    options.limits.max_num_seqs = kCrowd + 3;
    options.kv.n_blocks = blocks_a_text() * (kCrowd + 6);
    options.prefix_cache = true;
    const std::unique_ptr<Engine> engine = open(options);
    tell("in a crowd", answers(*engine, crowd()), fmt::format("{} other texts", kCrowd));
    const std::uint64_t again = answers(*engine);
    tell("from the prefix cache", again, fmt::format("{} prompt tokens not computed", n_cached_),
         n_cached_ > 0);
  }

  void after_preemption() {
    EngineOptions options = lone_options();
    options.limits.max_num_seqs = kCrowd + 3;
    // Four prompts fit with one block to spare, their answers do not.
    const auto n_prompt = static_cast<std::int32_t>(std::ssize(options_.prompt_ids));
    options.kv.n_blocks = std::max(options.kv.blocks_for(n_prompt) * 4 + 2, blocks_a_text());
    const std::unique_ptr<Engine> engine = open(options);
    const std::uint64_t hash = answers(*engine, crowd());
    const auto n = engine->metrics().n_preemptions.load();
    if (n == 0 && gives_blocks_back())
      return tell_not_applicable("after preemption", "blocks before the window were given back");
    tell("after preemption", hash, fmt::format("{} preemptions", n), n > 0);
  }

  // Positions of a text that some layer sees; 0: all of them.
  std::int64_t longest_sight() const {
    std::int64_t longest = 0;
    for (std::int64_t layer = 0; layer < checkpoint_.config().n_layers; ++layer) {
      const AttentionWindow window = checkpoint_.config().window_of(layer);
      if (window.window == 0) return 0;
      longest = std::max(longest, window.size());
    }
    return longest;
  }

  bool gives_blocks_back() const {
    const std::int64_t n_seen = longest_sight();
    return n_seen > 0 && n_seen < std::ssize(options_.prompt_ids) + options_.max_tokens;
  }

  // Where every layer has a window: texts that are longer than all the memory for keys and values.
  void in_less_memory() {
    const std::int64_t n_seen = longest_sight();
    if (n_seen == 0) return;
    EngineOptions options = lone_options();
    options.limits.max_num_batched_tokens = kChunk;
    options.kv.n_blocks = static_cast<std::int32_t>(least_memory_tokens(n_seen) / kBlockSize);
    if (options.kv.n_blocks >= blocks_a_text())
      return tell_not_applicable("in less memory",
                                 fmt::format("the window needs {} blocks, the texts have {}",
                                             options.kv.n_blocks, blocks_a_text()));
    const std::uint64_t hash = answers(*open(options));
    tell("in less memory", hash,
         fmt::format("texts of {} blocks in a memory of {}", blocks_a_text(), options.kv.n_blocks));
  }

  // The second time the answers themselves are known, so that many drafts are right.
  void with_drafts() {
    EngineOptions options = lone_options();
    options.limits.max_num_seqs = 3;
    options.kv.n_blocks = blocks_a_text() * 4;
    options.speculation = Speculation::suffix;
    const std::unique_ptr<Engine> engine = open(options);
    answers(*engine);
    const std::uint64_t hash = answers(*engine);
    const auto n_drafts = engine->metrics().n_draft_tokens.load();
    tell("with drafts", hash,
         fmt::format("{} of {} drafts accepted", engine->metrics().n_accepted_tokens.load(),
                     n_drafts),
         n_drafts > 0);
  }

  // Drafts of another model, before and after preemption: three prompts fit with one block to spare,
  // their answers do not.
  void with_a_draft_model() {
    if (options_.engine.draft_model.empty()) return;
    EngineOptions options = lone_options();
    options.limits.max_num_seqs = 3;
    const auto n_prompt = static_cast<std::int32_t>(std::ssize(options_.prompt_ids));
    options.kv.n_blocks = std::max(options.kv.blocks_for(n_prompt) * 3 + 2, blocks_a_text());
    options.speculation = Speculation::model;
    options.drafts_always = true;
    options.draft_model = options_.engine.draft_model;
    const std::unique_ptr<Engine> engine = open(options);
    const std::uint64_t hash = answers(*engine);
    const EngineMetrics& metrics = engine->metrics();
    const auto n_drafts = metrics.n_draft_tokens.load(), n = metrics.n_preemptions.load();
    tell("with a draft model", hash,
         fmt::format("{} of {} drafts accepted, {} preemptions", metrics.n_accepted_tokens.load(),
                     n_drafts, n),
         n_drafts > 0 && (n > 0 || gives_blocks_back()));
  }

  // The second engine finds on disk what the first one computed. Where blocks cannot leave the device
  // there is no such condition.
  void after_a_restart() {
    const TemporaryFolder folder;
    EngineOptions options = lone_options();
    options.kv.n_blocks = blocks_a_text() * 4;
    options.limits.max_num_seqs = 3;
    options.prefix_cache = true;
    options.kv_store.folder = folder.path();
    options.kv_store.max_bytes = std::int64_t{1} << 30;
    std::unique_ptr<Engine> engine;
    try {
      engine = open(options);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::unsupported) return;
      throw;
    }
    answers(*engine);
    engine.reset();
    engine = open(options);
    const std::uint64_t hash = answers(*engine);
    const auto n_blocks = engine->kv_store_counts()->n_hits;
    tell("after a restart", hash, fmt::format("{} blocks from the page store", n_blocks),
         n_blocks > 0);
  }

  const Checkpoint& checkpoint_;
  std::shared_ptr<const ModelText> text_;
  const ProofOptions& options_;
  function_ref<void(const ProofStep& step)> on_step_;
  std::optional<std::uint64_t> first_hash_;
  std::int64_t n_cached_ = 0;  // prompt tokens that the last answers() did not compute
};

}  // namespace

// Of window, sinks and a step, each of which may begin and end within a block.
std::int64_t least_memory_tokens(std::int64_t n_seen) {
  const auto blocks_for = [](std::int64_t n) { return (n + kBlockSize - 1) / kBlockSize; };
  return (blocks_for(n_seen) + blocks_for(kChunk) + 4) * kBlockSize;
}

void prove(const Checkpoint& checkpoint, std::shared_ptr<const ModelText> text,
           const ProofOptions& options, function_ref<void(const ProofStep& step)> on_step) {
  Prover(checkpoint, std::move(text), options, on_step).run();
}

}  // namespace tinyllm
