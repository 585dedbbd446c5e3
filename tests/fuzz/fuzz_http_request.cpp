// Any bytes as an HTTP request whose body then goes through the field table: it is taken or refused
// with a well-formed error, the same for every way the bytes arrive.

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"
#include "base/utf8.h"
#include "openai/field_table.h"
#include "server/error_response.h"
#include "server/http_parse.h"

namespace {

using namespace tinyllm;

struct Outcome {
  bool done = false;
  int status = 0;
  HttpRequest request;
};

Outcome parse(std::string_view bytes, std::size_t n_at_once) {
  HttpParser parser({.max_header_bytes = 4096, .max_body_bytes = 1 << 16});
  std::string waiting;
  while (!bytes.empty() && !parser.done() && parser.error_status() == 0) {
    waiting += bytes.substr(0, n_at_once);
    bytes.remove_prefix(std::min(n_at_once, bytes.size()));
    while (const std::size_t n = parser.push(waiting)) waiting.erase(0, n);
  }
  Outcome outcome{parser.done(), parser.error_status(), {}};
  if (outcome.done) outcome.request = parser.head();
  if (outcome.done) outcome.request.body = parser.take_body();
  return outcome;
}

void check_error_is_well_formed(const Error& error) {
  const HttpResponse response = error_response(error);
  const auto document = nlohmann::json::parse(response.body);
  if (response.status < 400 || response.status > 499) std::abort();
  if (!document.at("error").at("message").is_string()) std::abort();
  if (!is_valid_utf8(response.body)) std::abort();
}

void read_body(std::string_view body) {
  for (const ApiKind kind : {ApiKind::chat, ApiKind::completion, ApiKind::tokenize,
                             ApiKind::detokenize, ApiKind::apply_template}) {
    try {
      const ApiRequest request = parse_api_request(kind, body);
      if (request.n < 1 || request.params.n_logprobs > 20) std::abort();
    } catch (const Error& error) {
      check_error_is_well_formed(error);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (size > 1 << 16) return 0;
  const Outcome whole = parse(bytes, size);
  const Outcome pieces = parse(bytes, 7);
  // A limit may strike earlier or later in pieces, but what is taken is the same.
  if (whole.done && pieces.done) {
    if (whole.request.body != pieces.request.body || whole.request.path != pieces.request.path)
      std::abort();
  }
  read_body(whole.done ? std::string_view(whole.request.body) : bytes);
  return 0;
}
