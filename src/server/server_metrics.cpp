#include "server/server_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <map>
#include <mutex>
#include <vector>

namespace tinyllm {
namespace {

using Labels = std::map<std::string, std::string>;
using Buckets = prometheus::Histogram::BucketBoundaries;

// vLLM's boundaries, in seconds.
const Buckets kFirstTokenBuckets = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1,  0.25, 0.5,
                                    0.75,  1.0,   2.5,  5.0,  7.5,  10.0, 20.0, 40.0, 80.0};
const Buckets kNextTokenBuckets = {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2,  0.3,  0.4, 0.5,
                                   0.75, 1.0,   2.5,  5.0,   7.5, 10.0, 20.0, 40.0, 80.0};
const Buckets kRequestBuckets = {0.3,  0.5,  0.8,  1.0,  1.5,  2.0,  2.5,   5.0,   10.0,
                                 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0};
const Buckets kChoiceBuckets = {1, 2, 5, 10, 20};

// 1, 2, 5, 10, 20, 50, ... up to a length.
Buckets one_two_five(double most) {
  Buckets buckets;
  for (double power = 1; power <= most; power *= 10) {
    for (const double digit : {1.0, 2.0, 5.0}) {
      if (digit * power <= most) buckets.push_back(digit * power);
    }
  }
  return buckets;
}

// A counter of ours that follows one of the engine's.
struct Follower {
  prometheus::Counter* counter;
  std::uint64_t shown = 0;
  void follow(std::uint64_t value) {
    counter->Increment(static_cast<double>(value - shown));
    shown = value;
  }
};

// The same for a histogram.
template <std::size_t n_bounds>
struct HistogramFollower {
  prometheus::Histogram* histogram = nullptr;
  typename StepHistogram<n_bounds>::Counts shown{};
  double shown_sum = 0;

  void follow(const StepHistogram<n_bounds>& now) {
    const auto counts = now.counts();
    const double sum = now.sum();
    std::vector<double> news;
    for (std::size_t i = 0; i < counts.size(); ++i)
      news.push_back(static_cast<double>(counts[i] - shown[i]));
    histogram->ObserveMultiple(news, sum - shown_sum);
    shown = counts;
    shown_sum = sum;
  }
};

template <std::size_t n_bounds>
Buckets buckets_of(const std::array<double, n_bounds>& bounds) {
  return {bounds.begin(), bounds.end()};
}

}  // namespace

struct ServerMetrics::State {
  prometheus::Counter& counter(const char* name, const char* help, const Labels& labels) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add(labels);
  }
  prometheus::Gauge& gauge(const char* name, const char* help, const Labels& labels) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add(labels);
  }
  prometheus::Histogram& histogram(const char* name, const char* help, const Labels& labels,
                                   const Buckets& buckets) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add(labels,
                                                                                     buckets);
  }
  void add_gauges(const Labels& model);
  void add_counters(const Labels& model);
  void add_kv_store(const Labels& model);
  void add_histograms(const Labels& model, double max_model_len);
  void follow_engine();
  void follow_kv_store(const KvStoreCounts& now);

  prometheus::Registry registry;
  std::mutex mutex;  // guards the pointers and followers below
  const Engine* engine = nullptr;
  prometheus::Gauge *running = nullptr, *waiting = nullptr, *kv_usage = nullptr;
  Follower prompt{}, cached{}, generated{}, preempted{}, queries{}, hits{}, steps{}, drafts{},
      draft_tokens{}, accepted{};
  std::array<Follower, static_cast<std::size_t>(kMaxDrafts)> accepted_at{};
  // Of the page store, where there is one.
  prometheus::Gauge *store_blocks = nullptr, *store_bytes = nullptr;
  Follower store_hits{}, store_misses{}, store_damaged{}, store_written{}, store_evicted{},
      store_not_stored{}, store_bytes_read{}, store_bytes_written{};
  std::map<FinishReason, prometheus::Counter*> success;
  prometheus::Histogram *first_token = nullptr, *next_token = nullptr, *per_token = nullptr,
                        *total = nullptr, *queue = nullptr, *inference = nullptr,
                        *prefill = nullptr, *decode = nullptr, *prompt_length = nullptr,
                        *output_length = nullptr, *choices = nullptr, *max_tokens = nullptr,
                        *longest_output = nullptr, *computed_prompt = nullptr;
  HistogramFollower<kStepTokenBounds.size()> step_tokens;
  HistogramFollower<kStepSecondBounds.size()> step_seconds;
  prometheus::Counter* tool_parse_errors = nullptr;
  prometheus::Family<prometheus::Counter>* errors = nullptr;
  prometheus::Family<prometheus::Counter>*tool_calls = nullptr, *tool_failures = nullptr;
};

void ServerMetrics::State::add_gauges(const Labels& model) {
  running = &gauge("vllm:num_requests_running", "Answers that are being computed.", model);
  waiting = &gauge("vllm:num_requests_waiting", "Answers that wait for their turn.", model);
  kv_usage = &gauge("vllm:kv_cache_usage_perc", "Share of the KV blocks in use; 1 is all.", model);
  Labels info = model;
  info["block_size"] = std::to_string(engine->kv().block_size);
  info["num_gpu_blocks"] = std::to_string(engine->kv().n_blocks);
  info["enable_prefix_caching"] = engine->has_prefix_cache() ? "True" : "False";
  gauge("vllm:cache_config_info", "How the KV cache was set up.", info).Set(1);
}

void ServerMetrics::State::add_counters(const Labels& model) {
  prompt.counter = &counter("vllm:prompt_tokens_total", "Prompt tokens computed.", model);
  cached.counter =
      &counter("vllm:prompt_tokens_cached_total", "Prompt tokens taken from the cache.", model);
  generated.counter = &counter("vllm:generation_tokens_total", "Tokens generated.", model);
  preempted.counter = &counter("vllm:num_preemptions_total",
                               "Requests that were paused because blocks ran out.", model);
  queries.counter =
      &counter("vllm:prefix_cache_queries_total", "Tokens looked up in the prefix cache.", model);
  hits.counter =
      &counter("vllm:prefix_cache_hits_total", "Tokens found in the prefix cache.", model);
  drafts.counter =
      &counter("vllm:spec_decode_num_drafts_total", "Times that tokens were guessed.", model);
  draft_tokens.counter = &counter("vllm:spec_decode_num_draft_tokens_total",
                                  "Guessed tokens that were verified.", model);
  accepted.counter = &counter("vllm:spec_decode_num_accepted_tokens_total",
                              "Guessed tokens that were right.", model);
  auto& at_position = prometheus::BuildCounter()
                          .Name("vllm:spec_decode_num_accepted_tokens_per_pos_total")
                          .Help("Guessed tokens that were right, by their place in the guess.")
                          .Register(registry);
  for (std::size_t i = 0; i < accepted_at.size(); ++i) {
    Labels labels = model;
    labels["position"] = std::to_string(i);
    accepted_at[i].counter = &at_position.Add(labels);
  }
  tool_parse_errors =
      &counter("tinyllm:tool_parse_errors_total", "Calls of tools that could not be read.", model);
  steps.counter = &counter("tinyllm:steps_total", "Steps of the engine.", model);
  for (const auto& [reason, word] :
       std::map<FinishReason, const char*>{{FinishReason::stop, "stop"},
                                           {FinishReason::length, "length"},
                                           {FinishReason::cancelled, "abort"},
                                           {FinishReason::error, "error"}}) {
    Labels labels = model;
    labels["finished_reason"] = word;
    success[reason] =
        &counter("vllm:request_success_total", "Answers that ended, by reason.", labels);
  }
}

void ServerMetrics::State::add_kv_store(const Labels& model) {
  const auto count = [&](Follower& follower, const char* name, const char* help) {
    follower.counter = &counter(name, help, model);
  };
  store_blocks = &gauge("tinyllm:kv_store_blocks", "Blocks in the page store.", model);
  store_bytes = &gauge("tinyllm:kv_store_bytes", "Bytes of these blocks.", model);
  count(store_hits, "tinyllm:kv_store_hits_total", "Blocks read from the page store.");
  count(store_misses, "tinyllm:kv_store_misses_total",
        "Full blocks of prompts that were in neither memory nor page store.");
  count(store_damaged, "tinyllm:kv_store_dropped_total",
        "Blocks whose checksum was wrong; they were dropped.");
  count(store_written, "tinyllm:kv_store_written_total", "Blocks written to the page store.");
  count(store_evicted, "tinyllm:kv_store_evicted_total", "Blocks that gave their place to others.");
  count(store_not_stored, "tinyllm:kv_store_not_stored_total",
        "Blocks not written: the queue or the disk was full.");
  count(store_bytes_read, "tinyllm:kv_store_bytes_read_total", "Bytes read from the page store.");
  count(store_bytes_written, "tinyllm:kv_store_bytes_written_total",
        "Bytes written to the page store.");
}

void ServerMetrics::State::add_histograms(const Labels& model, double max_model_len) {
  const Buckets lengths = one_two_five(max_model_len);
  const auto add = [&](const char* name, const char* help, const Buckets& buckets) {
    return &histogram(name, help, model, buckets);
  };
  first_token = add("vllm:time_to_first_token_seconds", "From arrival to the first token.",
                    kFirstTokenBuckets);
  next_token =
      add("vllm:inter_token_latency_seconds", "From a token to the next.", kNextTokenBuckets);
  per_token = add("vllm:request_time_per_output_token_seconds",
                  "Mean time per token after the first of an answer.", kNextTokenBuckets);
  total = add("vllm:e2e_request_latency_seconds", "From arrival to the end.", kRequestBuckets);
  queue = add("vllm:request_queue_time_seconds", "Time in the queue.", kRequestBuckets);
  inference = add("vllm:request_inference_time_seconds", "Time in the engine.", kRequestBuckets);
  prefill = add("vllm:request_prefill_time_seconds", "Time in the engine, up to the first token.",
                kRequestBuckets);
  decode = add("vllm:request_decode_time_seconds", "Time in the engine, after the first token.",
               kRequestBuckets);
  prompt_length = add("vllm:request_prompt_tokens", "Tokens of a prompt.", lengths);
  output_length = add("vllm:request_generation_tokens", "Tokens of an answer.", lengths);
  max_tokens = add("vllm:request_params_max_tokens", "max_tokens of a request.", lengths);
  choices = add("vllm:request_params_n", "n of a request.", kChoiceBuckets);
  longest_output = add("vllm:request_max_num_generation_tokens",
                       "Tokens of a request's longest answer.", lengths);
  computed_prompt = add("vllm:request_prefill_kv_computed_tokens",
                        "Tokens of a prompt that were not in the cache.", lengths);
  step_tokens.histogram = add("vllm:iteration_tokens_total", "Tokens computed in a step.",
                              buckets_of(kStepTokenBounds));
  step_seconds.histogram =
      add("tinyllm:step_time_seconds", "Time of a step.", buckets_of(kStepSecondBounds));
}

void ServerMetrics::State::follow_engine() {
  const EngineMetrics& now = engine->metrics();
  running->Set(now.n_running);
  waiting->Set(now.n_waiting);
  const double n_blocks = now.n_blocks;
  kv_usage->Set(n_blocks > 0 ? (n_blocks - now.n_free_blocks) / n_blocks : 0.0);
  prompt.follow(now.n_prompt_tokens);
  cached.follow(now.n_cached_tokens);
  generated.follow(now.n_generated_tokens);
  preempted.follow(now.n_preemptions);
  hits.follow(now.n_cached_tokens);
  queries.follow(now.n_cached_tokens + now.n_prompt_tokens);
  steps.follow(now.n_steps);
  drafts.follow(now.n_drafts);
  draft_tokens.follow(now.n_draft_tokens);
  accepted.follow(now.n_accepted_tokens);
  for (std::size_t i = 0; i < accepted_at.size(); ++i) accepted_at[i].follow(now.n_accepted_at[i]);
  step_tokens.follow(now.step_tokens);
  step_seconds.follow(now.step_seconds);
  if (const auto store = engine->kv_store_counts()) follow_kv_store(*store);
}

void ServerMetrics::State::follow_kv_store(const KvStoreCounts& now) {
  store_blocks->Set(static_cast<double>(now.n_blocks));
  store_bytes->Set(static_cast<double>(now.n_blocks) * static_cast<double>(now.block_bytes));
  store_hits.follow(now.n_hits);
  store_misses.follow(now.n_misses);
  store_damaged.follow(now.n_damaged);
  store_written.follow(now.n_written);
  store_evicted.follow(now.n_evicted);
  store_not_stored.follow(now.n_not_stored);
  store_bytes_read.follow(now.bytes_read);
  store_bytes_written.follow(now.bytes_written);
}

ServerMetrics::ServerMetrics() : state_(std::make_unique<State>()) {
  state_->errors = &prometheus::BuildCounter()
                        .Name("tinyllm:http_errors_total")
                        .Help("Requests that were refused or failed, by status.")
                        .Register(state_->registry);
  state_->tool_calls = &prometheus::BuildCounter()
                            .Name("tinyllm:tool_calls_total")
                            .Help("Calls of the server's tools, by tool.")
                            .Register(state_->registry);
  state_->tool_failures = &prometheus::BuildCounter()
                               .Name("tinyllm:tool_call_failures_total")
                               .Help("Those whose result was an error.")
                               .Register(state_->registry);
}

ServerMetrics::~ServerMetrics() = default;

void ServerMetrics::set_model(const std::string& name, const Engine& engine) {
  const std::scoped_lock lock(state_->mutex);
  state_->engine = &engine;
  const Labels model = {{"model_name", name}};
  state_->add_gauges(model);
  state_->add_counters(model);
  if (engine.kv_store_counts()) state_->add_kv_store(model);
  state_->add_histograms(model, engine.limits().max_model_len);
}

void ServerMetrics::observe_first_token(double seconds) { state_->first_token->Observe(seconds); }
void ServerMetrics::observe_next_token(double seconds) { state_->next_token->Observe(seconds); }

void ServerMetrics::observe_finished(const FinishedText& text) {
  state_->success.at(text.reason)->Increment();
  if (text.reason == FinishReason::cancelled || text.reason == FinishReason::error) return;
  state_->total->Observe(text.total_s);
  state_->queue->Observe(text.queue_s);
  state_->prefill->Observe(text.prefill_s);
  state_->decode->Observe(text.decode_s);
  state_->inference->Observe(text.prefill_s + text.decode_s);
  if (text.n_generated > 1)
    state_->per_token->Observe(text.decode_s / static_cast<double>(text.n_generated - 1));
  state_->prompt_length->Observe(static_cast<double>(text.n_prompt));
  state_->computed_prompt->Observe(static_cast<double>(text.n_prompt - text.n_cached));
  state_->output_length->Observe(static_cast<double>(text.n_generated));
  state_->max_tokens->Observe(static_cast<double>(text.max_tokens));
  state_->choices->Observe(static_cast<double>(text.n_choices));
}

void ServerMetrics::observe_request(std::int64_t longest) {
  state_->longest_output->Observe(static_cast<double>(longest));
}

void ServerMetrics::count_tool_parse_error() { state_->tool_parse_errors->Increment(); }

void ServerMetrics::count_tool_call(const std::string& name, bool is_error) {
  state_->tool_calls->Add({{"tool", name}}).Increment();
  if (is_error) state_->tool_failures->Add({{"tool", name}}).Increment();
}

void ServerMetrics::count_error(int status) {
  state_->errors->Add({{"status", std::to_string(status)}}).Increment();
}

std::string ServerMetrics::text() {
  {
    const std::scoped_lock lock(state_->mutex);
    if (state_->engine != nullptr) state_->follow_engine();
  }
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace tinyllm
