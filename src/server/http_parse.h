#pragma once
// Bytes -> one HTTP/1 request, under limits. One object a request; one thread.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "server/http_exchange.h"

namespace tinyllm {

struct HttpLimits {
  std::size_t max_header_bytes = 32 << 10;
  std::size_t max_body_bytes = 16 << 20;
};

class HttpParser {
 public:
  explicit HttpParser(const HttpLimits& limits);
  ~HttpParser();

  // Reads from the front of `bytes` and returns how many bytes it took: 0 when it needs more of
  // them than are there, is done, or has failed. What it did not take must come again, longer.
  // Never goes past the end of the header in the call that reads it.
  std::size_t push(std::string_view bytes);

  bool has_header() const;
  bool done() const;
  // 0, or the status that refuses the request (400, 413, 431, 501); then no more is read.
  int error_status() const;
  const std::string& error_message() const;

  // Once the header is there.
  HttpRequest head() const;  // the request without its body
  bool keep_alive() const;
  bool expects_continue() const;  // the client waits for "100 Continue" before it sends the body
  bool is_http_1_0() const;
  std::size_t n_body_bytes() const;  // so far

  std::string take_body();  // once, when done

 private:
  void check_header();
  void refuse(int status, const char* message);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tinyllm
