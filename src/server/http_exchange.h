#pragma once
// One HTTP request and the way back to its client, free of any network library. Routes see nothing
// else of the network.
//
// Thread rule: the handler, and everything given to post(), run one after another on the exchange's
// strand. All calls but post() are made from there; post() may be called by any thread.

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tinyllm {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;   // "GET"
  std::string path;     // "/v1/models": what stands before '?'
  std::string query;    // what stands behind it
  HttpHeaders headers;  // names in lower case
  std::string body;

  // The first header of this name (lower case); "" when there is none.
  std::string_view header(std::string_view name) const {
    for (const auto& [its_name, value] : headers) {
      if (its_name == name) return value;
    }
    return "";
  }
  bool has_header(std::string_view name) const {
    return std::ranges::any_of(headers, [&](const auto& header) { return header.first == name; });
  }
};

// Who asks. The connection fills in the address, the service the rest.
struct HttpCaller {
  std::string address = {};     // "192.0.2.7"; behind a trusted proxy the one that it names
  std::string request_id = {};  // for the log and the answer's header
  std::string key_name = {};    // of the API key that was given; "" for none
  std::string owner = {};       // a word for that key, to keep what belongs to its holder apart
  std::string cache_salt = {};  // callers with different ones share no cached prefix
  std::chrono::steady_clock::time_point arrival = std::chrono::steady_clock::now();
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body = {};
};

class HttpBudget;

class HttpExchange {
 public:
  virtual ~HttpExchange() = default;

  virtual const HttpRequest& request() const = 0;
  // Frees the body, once it is read.
  virtual void drop_body() = 0;
  virtual HttpCaller& caller() = 0;
  // What the answer holds before it is sent is taken from here. Any thread.
  virtual HttpBudget& budget() = 0;
  // Keeps something until the answer is complete or the client is gone.
  virtual void keep(std::shared_ptr<void> something) = 0;

  // A header of the answer. Before send() or begin_stream().
  virtual void add_header(std::string name, std::string value) = 0;

  // The whole answer.
  virtual void send(HttpResponse response) = 0;

  // Or piece by piece: status 200, then write() as often as wanted, then end(). `ping` is written
  // whenever nothing was for a while, so that proxies keep the connection; "" for none.
  virtual void begin_stream(std::string content_type, std::string ping) = 0;
  virtual void write(std::string bytes) = 0;
  virtual void end() = 0;

  // `callback` runs once if the client leaves before the answer is complete, or the server closes
  // the connection. Nothing that is sent afterwards reaches anyone.
  virtual void on_gone(std::function<void()> callback) = 0;

  // Written bytes wait because the client takes them slowly.
  virtual bool has_unsent() const = 0;

  virtual void post(std::function<void()> work) = 0;
  // The same, after a while. Keeps the exchange until then.
  virtual void post_after(std::chrono::milliseconds delay, std::function<void()> work) = 0;
};

// What they throw is logged and answered with 500, or 503 when memory ran out.
struct HttpHandlers {
  // Sees a request when its header is there, before the body is read. True: go on. False: it has
  // answered, the body is not wanted.
  std::function<bool(const std::shared_ptr<HttpExchange>&)> admit;
  // Must answer, at once or later.
  std::function<void(const std::shared_ptr<HttpExchange>&)> handle;
};

}  // namespace tinyllm
