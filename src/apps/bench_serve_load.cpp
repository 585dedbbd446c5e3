#include "apps/bench_serve_load.h"

#include <curl/curl.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>

#include "apps/progress_bar.h"
#include "base/clock.h"
#include "base/error.h"

namespace tinyllm {
namespace {

using AnyJson = nlohmann::json;

constexpr double kSpread = 0.8;        // sigma of the log-normal lengths
constexpr double kLongest = 5;         // times the mean
constexpr long kTimeoutSeconds = 600;  // of one request
constexpr long kSilentSeconds = 60;    // of one request: then the server is taken for dead
constexpr int kFailuresInARow = 8;     // then no more are sent
constexpr int kPollMs = 50;

// Common words of one token each in most vocabularies.
constexpr auto kWords = std::to_array<const char*>(
    {" time",   " people", " way",    " water",  " number", " part",  " sound", " place", " year",
     " day",    " work",   " word",   " line",   " side",   " kind",  " head",  " house", " page",
     " letter", " point",  " city",   " tree",   " farm",   " night", " life",  " story", " sea",
     " group",  " music",  " book",   " room",   " friend", " road",  " rain",  " rule",  " voice",
     " power",  " town",   " unit",   " figure", " field",  " wood",  " fire",  " star",  " list",
     " animal", " mother", " answer", " study",  " plant"});

std::string words(int n, std::mt19937_64& random) {
  std::string text;
  for (int i = 0; i < n; ++i) text += kWords[random() % kWords.size()];
  return text;
}

double unit(std::mt19937_64& random) {
  return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53;
}

int draw_length(int mean, bool fixed, std::mt19937_64& random) {
  if (fixed) return std::max(1, mean);
  // Box and Muller 1958; the mean of exp(mu + sigma z) is exp(mu + sigma^2 / 2).
  const double z =
      std::sqrt(-2 * std::log(unit(random))) * std::cos(2 * 3.14159265358979 * unit(random));
  const double length = std::exp(std::log(mean) - kSpread * kSpread / 2 + kSpread * z);
  return static_cast<int>(std::clamp(length, 1.0, kLongest * mean));
}

// One request under way.
struct Transfer {
  CURL* handle = nullptr;
  std::string body, unread;
  LoadResult* result = nullptr;
  const Stopwatch* clock = nullptr;
  bool done = false;  // [DONE] came
};

void read_event(Transfer& transfer, const std::string& data) {
  if (data == "[DONE]") {
    transfer.done = true;
    return;
  }
  const AnyJson event = AnyJson::parse(data, nullptr, false);
  LoadResult& result = *transfer.result;
  if (event.is_discarded()) return;
  if (event.contains("error")) {
    result.error = event["error"].dump();
    return;
  }
  if (event.contains("choices") && !event["choices"].empty()) {
    const std::string text = event["choices"][0].value("text", "");
    if (!text.empty()) result.token_times.push_back(transfer.clock->seconds());
  }
  if (event.contains("usage") && event["usage"].is_object()) {
    const AnyJson& usage = event["usage"];
    result.n_prompt = usage.value("prompt_tokens", std::int64_t{0});
    result.n_generated = usage.value("completion_tokens", std::int64_t{0});
    const auto details = usage.find("prompt_tokens_details");
    if (details != usage.end() && details->is_object())
      result.n_cached = details->value("cached_tokens", std::int64_t{0});
  }
}

std::size_t on_bytes(char* bytes, std::size_t size, std::size_t n, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.unread.append(bytes, size * n);
  std::size_t begin = 0, end = 0;
  while ((end = transfer.unread.find('\n', begin)) != std::string::npos) {
    std::string line = transfer.unread.substr(begin, end - begin);
    if (line.ends_with('\r')) line.pop_back();
    if (line.starts_with("data: ")) read_event(transfer, line.substr(6));
    begin = end + 1;
  }
  transfer.unread.erase(0, begin);
  return size * n;
}

class LoadRun {
 public:
  LoadRun(const LoadOptions& options, const std::vector<LoadRequest>& requests)
      : options_(options), requests_(requests), results_(requests.size()) {
    headers_ = curl_slist_append(headers_, "Content-Type: application/json");
    if (!options.api_key.empty())
      headers_ = curl_slist_append(headers_, ("Authorization: Bearer " + options.api_key).c_str());
  }
  ~LoadRun() {
    curl_slist_free_all(headers_);
    curl_multi_cleanup(multi_);
  }
  LoadRun(const LoadRun&) = delete;
  LoadRun& operator=(const LoadRun&) = delete;

  std::vector<LoadResult> run() {
    ProgressBar progress("requests", std::ssize(requests_));
    std::size_t n_done = 0;
    while (n_done < requests_.size()) {
      while (may_start()) start();
      int n_running = 0;
      curl_multi_perform(multi_, &n_running);
      int n_left = 0;
      while (const CURLMsg* message = curl_multi_info_read(multi_, &n_left)) {
        finish(*message);
        progress.update(static_cast<std::int64_t>(++n_done));
      }
      if (gave_up() && open_.empty()) break;
      if (n_done < requests_.size()) curl_multi_poll(multi_, nullptr, 0, poll_ms(), nullptr);
    }
    for (; n_started_ < requests_.size(); ++n_started_)
      results_[n_started_].error = "was not sent: the ones before it failed";
    return std::move(results_);
  }

 private:
  bool gave_up() const { return n_failed_in_a_row_ >= kFailuresInARow; }

  bool may_start() const {
    if (n_started_ == requests_.size() || gave_up()) return false;
    if (options_.rate_per_s > 0) return clock_.seconds() >= requests_[n_started_].arrival_s;
    return static_cast<int>(open_.size()) < options_.n_clients;
  }

  int poll_ms() const {
    if (options_.rate_per_s <= 0 || n_started_ == requests_.size()) return kPollMs;
    const double wait_s = requests_[n_started_].arrival_s - clock_.seconds();
    return std::clamp(static_cast<int>(wait_s * 1000), 0, kPollMs);
  }

  void start() {
    const LoadRequest& request = requests_[n_started_];
    auto transfer = std::make_unique<Transfer>();
    transfer->result = &results_[n_started_++];
    transfer->clock = &clock_;
    AnyJson body = {{"prompt", request.prompt}, {"max_tokens", request.max_tokens},
                    {"temperature", 0},         {"stream", true},
                    {"ignore_eos", true},       {"stream_options", {{"include_usage", true}}}};
    if (!options_.model.empty()) body["model"] = options_.model;
    transfer->body = body.dump();
    CURL* handle = transfer->handle = curl_easy_init();
    curl_easy_setopt(handle, CURLOPT_URL, (options_.url + "/completions").c_str());
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers_);
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, transfer->body.c_str());
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(transfer->body.size()));
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, transfer.get());
    curl_easy_setopt(handle, CURLOPT_PRIVATE, transfer.get());
    curl_easy_setopt(handle, CURLOPT_TIMEOUT, kTimeoutSeconds);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, kSilentSeconds);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    transfer->result->start_s = clock_.seconds();
    curl_multi_add_handle(multi_, handle);
    open_.push_back(std::move(transfer));
  }

  void finish(const CURLMsg& message) {
    void* user = nullptr;
    curl_easy_getinfo(message.easy_handle, CURLINFO_PRIVATE, &user);
    auto& transfer = *static_cast<Transfer*>(user);
    LoadResult& result = *transfer.result;
    result.end_s = clock_.seconds();
    long status = 0;
    curl_easy_getinfo(message.easy_handle, CURLINFO_RESPONSE_CODE, &status);
    if (message.data.result != CURLE_OK) {
      result.error = curl_easy_strerror(message.data.result);
    } else if (status != 200) {
      result.error = fmt::format("status {}: {}", status, transfer.unread.substr(0, 200));
    } else if (!transfer.done && result.error.empty()) {
      result.error = "the stream broke off";
    }
    n_failed_in_a_row_ = result.error.empty() ? 0 : n_failed_in_a_row_ + 1;
    curl_multi_remove_handle(multi_, transfer.handle);
    curl_easy_cleanup(transfer.handle);
    std::erase_if(open_, [&](const auto& it) { return it.get() == &transfer; });
  }

  const LoadOptions& options_;
  const std::vector<LoadRequest>& requests_;
  std::vector<LoadResult> results_;
  std::vector<std::unique_ptr<Transfer>> open_;
  std::size_t n_started_ = 0;
  int n_failed_in_a_row_ = 0;
  CURLM* multi_ = curl_multi_init();
  curl_slist* headers_ = nullptr;
  Stopwatch clock_;
};

}  // namespace

std::vector<LoadRequest> make_requests(const LoadOptions& options) {
  std::mt19937_64 random(options.seed);
  const std::string shared = words(options.shared_words, random);
  std::vector<LoadRequest> requests;
  double arrival_s = 0;
  for (int i = 0; i < options.n_requests; ++i) {
    LoadRequest& request = requests.emplace_back();
    const int n_words = draw_length(options.mean_prompt_words, options.fixed_lengths, random);
    request.prompt = shared + words(n_words, random);
    request.max_tokens = draw_length(options.mean_answer_tokens, options.fixed_lengths, random);
    if (options.rate_per_s > 0) arrival_s -= std::log(unit(random)) / options.rate_per_s;
    request.arrival_s = arrival_s;
  }
  return requests;
}

std::vector<LoadResult> run_load(const LoadOptions& options,
                                 const std::vector<LoadRequest>& requests) {
  return LoadRun(options, requests).run();
}

}  // namespace tinyllm
