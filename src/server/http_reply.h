#pragma once
// The exchange as the connection makes it: bytes of the answer, queued until they are written.
// For server/http*.cpp only. Strand of the connection.

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "server/http_budget.h"
#include "server/http_connection.h"
#include "server/http_exchange.h"

namespace tinyllm {

class HttpReply : public HttpExchange, public std::enable_shared_from_this<HttpReply> {
 public:
  // `chunked`: the client understands chunks (HTTP/1.1).
  HttpReply(std::shared_ptr<HttpConnection> connection, HttpRequest request, bool keep_alive,
            bool chunked);

  const HttpRequest& request() const override { return request_; }
  void drop_body() override;
  HttpCaller& caller() override { return caller_; }
  HttpBudget& budget() override;
  void keep(std::shared_ptr<void> something) override { kept_.push_back(std::move(something)); }
  void add_header(std::string name, std::string value) override;
  void send(HttpResponse response) override;
  void begin_stream(std::string content_type, std::string ping) override;
  void write(std::string bytes) override;
  void end() override;
  void on_gone(std::function<void()> callback) override;
  bool has_unsent() const override { return has_output(); }
  void post(std::function<void()> work) override;
  void post_after(std::chrono::milliseconds delay, std::function<void()> work) override;

  // The connection's side.
  // Room in the budget for so many bytes of the body; false: there is none.
  bool reserve_body(std::size_t n_bytes) { return body_share_.resize(n_bytes); }
  void set_body(std::string body) { request_.body = std::move(body); }
  std::string take_output() { return std::exchange(output_, {}); }
  void free_output() { output_share_.resize(output_.size()); }  // once it is written
  bool has_output() const { return !output_.empty(); }
  bool began() const { return began_; }
  bool ended() const { return ended_; }
  bool keep_alive() const { return keep_alive_; }
  void set_keep_alive(bool value) { keep_alive_ = value; }  // has an effect until the answer begins
  void queue_ping();
  void leave();  // the client is gone: tell who makes the answer, once

 private:
  void run(const std::function<void()>& work);
  void write_head(int status, const std::string& content_type, std::string_view framing);

  std::shared_ptr<HttpConnection> connection_;
  HttpRequest request_;
  HttpCaller caller_;
  HttpShare body_share_, output_share_;
  std::vector<std::shared_ptr<void>> kept_;
  HttpHeaders headers_;
  std::string output_, ping_;
  std::function<void()> on_gone_;
  bool keep_alive_, chunked_;
  bool streaming_ = false, began_ = false, ended_ = false, gone_ = false;
};

// "HTTP/1.1 404 Not Found\r\n"
std::string status_line(int status);

}  // namespace tinyllm
