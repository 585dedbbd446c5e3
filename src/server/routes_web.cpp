// The web page's files, from the program itself. They hold no secret: no key is needed for them.

#include <algorithm>

#include "server/routes.h"
#include "server/web_files.h"

namespace tinyllm {
namespace {

// The page talks to this server alone and runs no script but its own files: what an answer of the
// model might smuggle into it cannot run.
constexpr const char* kContentSecurityPolicy =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src "
    "'none'";

}  // namespace

bool answer_web_file(const ExchangePtr& exchange) {
  const HttpRequest& request = exchange->request();
  if (request.method != "GET" && request.method != "HEAD") return false;
  const auto files = web_files();
  const auto file = std::ranges::find(files, request.path, &WebFile::path);
  if (file == files.end()) return false;
  exchange->add_header("ETag", std::string(file->etag));
  exchange->add_header("Cache-Control", "no-cache");  // keep it, and ask whether it has changed
  exchange->add_header("Content-Security-Policy", kContentSecurityPolicy);
  exchange->add_header("X-Content-Type-Options", "nosniff");
  exchange->add_header("Referrer-Policy", "no-referrer");
  if (request.header("if-none-match") == file->etag) {
    exchange->send({.status = 304});
  } else {
    exchange->send(
        {.content_type = std::string(file->content_type), .body = std::string(file->content)});
  }
  return true;
}

}  // namespace tinyllm
