#include "agent/mcp_http.h"

#include <curl/curl.h>
#include <fmt/core.h>

#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "agent/event_reader.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/curl_settings.h"
#include "base/error.h"
#include "base/quote.h"

namespace tinyllm {
namespace {

constexpr int kPollMs = 100;
constexpr long kConnectTimeoutMs = 10000;
constexpr double kMaxNoticeSeconds = 10, kMaxCancelSeconds = 1, kMaxFarewellSeconds = 2;
// Messages that wait while a notice is sent, and what each needs beside its text.
constexpr std::size_t kMaxWaitingBytes = 2 * kMaxMcpMessageBytes, kBytesPerMessage = 64;
constexpr std::size_t kMaxErrorBytes = 4096;

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

void append(HeaderList& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  CHECK(longer != nullptr, "libcurl has no memory for a header");
  [[maybe_unused]] const auto* before = list.release();
  list.reset(longer);
}

bool is_https(std::string_view url) { return url.starts_with("https://"); }

// One request and what has come of it.
struct Exchange {
  CurlHandle curl = new_curl();
  HeaderList headers;
  std::string body;
  std::string json;  // the answer, where it is no stream of events
  std::string session;
  EventReader events;
  std::vector<std::string> messages;
  std::size_t n_waiting_bytes = 0;  // of `messages`
  bool is_done = false;
  std::string excess;  // what was too much, where something was
  CURLcode code = CURLE_OK;

  long status() const {
    long status = 0;
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
  }
  bool is_stream() const {
    const char* type = nullptr;
    curl_easy_getinfo(curl.get(), CURLINFO_CONTENT_TYPE, &type);
    return type != nullptr && std::string_view(type).starts_with("text/event-stream");
  }
  void take(std::string_view text) {
    if (status() / 100 != 2) {
      json += text.substr(0, kMaxErrorBytes - std::min(kMaxErrorBytes, json.size()));
    } else if (is_stream()) {
      const std::size_t n_before = messages.size();
      events.push(text, messages);
      for (std::size_t i = n_before; i < messages.size(); ++i)
        n_waiting_bytes += messages[i].size() + kBytesPerMessage;
      check_size(events.n_held_bytes());
    } else {
      json += text;
      check_size(json.size());
    }
  }
  void check_size(std::size_t n_held_bytes) {
    if (n_held_bytes > kMaxMcpMessageBytes)
      excess = fmt::format("a message of more than {} MiB", kMaxMcpMessageBytes >> 20);
    if (n_waiting_bytes > kMaxWaitingBytes)
      excess = fmt::format("more than {} MiB of messages at once", kMaxWaitingBytes >> 20);
  }

  static std::size_t take_header(char* data, std::size_t, std::size_t n, void* self) {
    constexpr std::string_view kSession = "mcp-session-id:";
    std::string_view line(data, n);
    const std::string_view name = line.substr(0, kSession.size());
    if (!std::ranges::equal(name, kSession,
                            [](char a, char b) { return (a | 0x20) == (b | 0x20); }))
      return n;
    line.remove_prefix(kSession.size());
    line = line.substr(std::min(line.find_first_not_of(" \t"), line.size()));
    static_cast<Exchange*>(self)->session = line.substr(0, line.find_first_of("\r\n"));
    return n;
  }

  static std::size_t write(char* data, std::size_t, std::size_t n, void* self) {
    auto* exchange = static_cast<Exchange*>(self);
    exchange->take({data, n});
    return exchange->excess.empty() ? n : 0;
  }
};

class McpHttp final : public McpTransport {
 public:
  explicit McpHttp(McpServerConfig server)
      : server_(std::move(server)), multi_(curl_multi_init(), &curl_multi_cleanup) {
    CHECK(multi_ != nullptr, "libcurl cannot start");
  }

  ~McpHttp() override {
    end(request_);
    if (!session_.empty()) run("DELETE", "", kMaxFarewellSeconds);
  }

  bool is_open() const override { return is_open_; }
  void set_revision(const std::string& revision) override { revision_ = revision; }

  // What wants no reply is sent to its end here, beside the request that is under way.
  void send(std::string_view message, bool wants_reply) override {
    if (wants_reply) {
      end(request_);
      queue_.clear();
      request_ = begin("POST", std::string(message));
    } else {
      post_notice(message, kMaxNoticeSeconds);
    }
  }

  void cancel(std::string_view notice) override {
    end(request_);
    queue_.clear();
    post_notice(notice, kMaxCancelSeconds);
  }

  std::optional<std::string> receive(function_ref<bool()> may_wait) override {
    while (true) {
      if (request_ == nullptr) fail(ErrorCode::network, "has ended its answer without a result");
      collect();
      if (!queue_.empty()) {
        std::string message = std::move(queue_.front());
        queue_.pop_front();
        return message;
      }
      if (request_->is_done) {
        check(*request_);
        end(request_);
        continue;
      }
      if (!may_wait()) return std::nullopt;
      step();
    }
  }

 private:
  std::unique_ptr<Exchange> begin(const char* method, std::string body) {
    auto exchange = std::make_unique<Exchange>();
    exchange->body = std::move(body);
    CURL* curl = exchange->curl.get();
    set_common_options(curl, server_.url, is_https(server_.url));
    set_headers(*exchange);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    if (!exchange->body.empty()) {
      curl_easy_setopt(curl, CURLOPT_POSTFIELDS, exchange->body.c_str());
      curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(exchange->body.size()));
    }
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Exchange::write);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange.get());
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &Exchange::take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange.get());
    curl_easy_setopt(curl, CURLOPT_PRIVATE, exchange.get());
    curl_multi_add_handle(multi_.get(), curl);
    return exchange;
  }

  void end(std::unique_ptr<Exchange>& exchange) {
    if (exchange == nullptr) return;
    curl_multi_remove_handle(multi_.get(), exchange->curl.get());
    exchange.reset();
  }

  void post_notice(std::string_view message, double max_seconds) {
    const std::unique_ptr<Exchange> notice = run("POST", std::string(message), max_seconds);
    if (!notice->is_done) fail(ErrorCode::network, "does not take what it is sent");
    check(*notice);
  }

  // To its end, but not for ever.
  std::unique_ptr<Exchange> run(const char* method, std::string body, double max_seconds) {
    std::unique_ptr<Exchange> exchange = begin(method, std::move(body));
    const Stopwatch clock;
    while (!exchange->is_done && clock.seconds() < max_seconds) step();
    curl_multi_remove_handle(multi_.get(), exchange->curl.get());
    return exchange;
  }

  void set_headers(Exchange& exchange) const {
    HeaderList& list = exchange.headers;
    append(list, "Content-Type: application/json");
    append(list, "Accept: application/json, text/event-stream");
    append(list, "Expect:");
    if (!session_.empty()) append(list, "Mcp-Session-Id: " + session_);
    if (!revision_.empty()) append(list, "MCP-Protocol-Version: " + revision_);
    for (const auto& [name, value] : server_.headers) append(list, name + ": " + value);
    curl_easy_setopt(exchange.curl.get(), CURLOPT_HTTPHEADER, list.get());
  }

  void step() {
    int n_running = 0, n_left = 0;
    curl_multi_perform(multi_.get(), &n_running);
    bool has_ended = false;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &n_left)) {
      if (message->msg != CURLMSG_DONE) continue;
      char* owner = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
      auto* exchange = static_cast<Exchange*>(static_cast<void*>(owner));
      exchange->is_done = has_ended = true;
      exchange->code = message->data.result;
    }
    const bool has_news = has_ended || (request_ != nullptr && !request_->messages.empty());
    if (!has_news) curl_multi_poll(multi_.get(), nullptr, 0, kPollMs, nullptr);
  }

  void collect() {
    if (session_.empty()) session_ = request_->session;
    for (std::string& message : request_->messages) queue_.push_back(std::move(message));
    request_->messages.clear();
    request_->n_waiting_bytes = 0;
    const bool has_json = request_->is_done && request_->code == CURLE_OK &&
                          request_->status() / 100 == 2 && !request_->json.empty();
    if (has_json) queue_.push_back(std::exchange(request_->json, ""));
  }

  void check(const Exchange& exchange) {
    if (!exchange.excess.empty()) fail(ErrorCode::invalid_input, "sent {}", exchange.excess);
    if (exchange.code != CURLE_OK)
      fail(ErrorCode::network, "cannot be reached: {}", curl_easy_strerror(exchange.code));
    const long status = exchange.status();
    if (status / 100 == 2) return;
    if (status == 404 && !session_.empty()) {
      is_open_ = false;
      session_.clear();
      fail(ErrorCode::network, "has ended the session");
    }
    const std::string why = exchange.json.substr(0, exchange.json.find('\n'));
    fail(ErrorCode::network, "answers with HTTP status {}{}", status,
         why.empty() ? "" : ": " + quote(why));
  }

  McpServerConfig server_;
  std::string session_, revision_;
  bool is_open_ = true;
  std::unique_ptr<CURLM, CURLMcode (*)(CURLM*)> multi_;
  std::unique_ptr<Exchange> request_;  // under way
  std::deque<std::string> queue_;      // messages that have come
};

}  // namespace

std::unique_ptr<McpTransport> connect_mcp_http(const McpServerConfig& server) {
  return std::make_unique<McpHttp>(server);
}

}  // namespace tinyllm
