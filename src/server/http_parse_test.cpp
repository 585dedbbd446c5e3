#include "server/http_parse.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

constexpr std::string_view kPost =
    "POST /a/b?x=1 HTTP/1.1\r\nHost: h\r\nX-Two: Words here\r\nContent-Length: 5\r\n\r\nhello";

// Everything at once, or a few bytes at a time.
void feed(HttpParser& parser, std::string_view text, std::size_t n_at_once) {
  std::string waiting;
  while (!text.empty() && !parser.done() && parser.error_status() == 0) {
    waiting += text.substr(0, n_at_once);
    text.remove_prefix(std::min(n_at_once, text.size()));
    while (const std::size_t n = parser.push(waiting)) waiting.erase(0, n);
  }
}

TEST(HttpParse, ReadsARequestInPiecesOfAnySize) {
  for (std::size_t n_at_once = 1; n_at_once <= kPost.size(); ++n_at_once) {
    HttpParser parser({});
    feed(parser, kPost, n_at_once);
    ASSERT_TRUE(parser.done()) << n_at_once;
    EXPECT_TRUE(parser.keep_alive() && !parser.expects_continue() && !parser.is_http_1_0());
    const HttpRequest request = parser.head();
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/a/b");
    EXPECT_EQ(parser.take_body(), "hello");
    EXPECT_EQ(request.header("x-two"), "Words here");
    EXPECT_EQ(request.header("x-three"), "");
  }
}

TEST(HttpParse, LeavesTheNextRequestAlone) {
  const std::string two = std::string(kPost) + "GET / HTTP/1.1\r\n\r\n";
  HttpParser parser({});
  std::size_t n_taken = 0;
  while (const std::size_t n = parser.push(std::string_view(two).substr(n_taken))) n_taken += n;
  EXPECT_TRUE(parser.done());
  EXPECT_EQ(n_taken, kPost.size());
}

int status_of(const std::string& text, std::size_t n_at_once) {
  HttpParser parser({.max_header_bytes = 200, .max_body_bytes = 10});
  feed(parser, text, n_at_once);
  return parser.error_status();
}

// Whoever stands before the server must find the same end of a request as we do.
TEST(HttpParse, OneLengthInOneWay) {
  const auto status = [](const std::string& headers) {
    const std::string request =
        "POST / HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n";
    const int found = status_of(request, 1000);
    EXPECT_EQ(status_of(request, 1), found) << headers;
    return found;
  };
  EXPECT_EQ(status("Transfer-Encoding: chunked\r\n"), 0);
  EXPECT_EQ(status("transfer-encoding: Chunked\r\n"), 0);
  for (const char* coding :
       {"xchunked", "gzip", "identity", "gzip, chunked", "chunked, chunked", "chunked, identity",
        "\"chunked\"", "chunked;a=b", "", "chunked\x0b"}) {
    const int found = status(std::string("Transfer-Encoding: ") + coding + "\r\n");
    EXPECT_TRUE(found == 501 || found == 400) << coding << ": " << found;
  }
  EXPECT_NE(status("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 0);
  EXPECT_NE(status("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), 0);
  EXPECT_EQ(status("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400);
  EXPECT_EQ(status("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(status("Content-Length: 5\r\nContent-Length: 6\r\n"), 400);
  EXPECT_EQ(status("Content-Length: 5\r\nContent-Length: 5\r\n"), 400);
  EXPECT_EQ(status("Content-Length: 5, 5\r\n"), 400);
  EXPECT_EQ(status("Transfer-Encoding : chunked\r\n"), 400);
  EXPECT_EQ(status("Host: other\r\n"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 1000), 400);
}

TEST(HttpParse, AnAbsoluteTargetNamesItsHost) {
  const auto head = [](const std::string& target) {
    HttpParser parser({});
    feed(parser, "GET " + target + " HTTP/1.1\r\nHost: header\r\n\r\n", 1000);
    EXPECT_TRUE(parser.done()) << target;
    return parser.head();
  };
  EXPECT_EQ(head("/health").path, "/health");
  EXPECT_EQ(head("/health").header("host"), "header");
  for (const char* target : {"http://h:80/health", "HTTP://h:80/health?x=http://y/z",
                             "https://h:80/health", "http://user@h:80/health"}) {
    EXPECT_EQ(head(target).path, "/health") << target;
    EXPECT_EQ(head(target).header("host"), "h:80") << target;
  }
  EXPECT_EQ(head("http://h").path, "/");
  EXPECT_EQ(head("http://h?x=1").path, "/");
  EXPECT_EQ(head("/a?b=http://h/c").path, "/a");
}

TEST(HttpParse, RefusesBeyondTheLimits) {
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 50; ++i) many += "a: b\r\n";
  for (const std::size_t n_at_once : {std::size_t{1}, std::size_t{30}, std::size_t{1000}}) {
    EXPECT_EQ(status_of(many + "\r\n", n_at_once), 431);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\na: " + std::string(500, 'x') + "\r\n\r\n", n_at_once),
              431);
    EXPECT_EQ(status_of("GET /" + std::string(500, 'x') + " HTTP/1.1\r\n\r\n", n_at_once), 431);
    EXPECT_EQ(status_of("POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n", n_at_once), 413);
    EXPECT_EQ(status_of("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n"
                        "6\r\nabcdef\r\n0\r\n\r\n",
                        n_at_once),
              413);
    EXPECT_EQ(status_of("nonsense\r\n\r\n", n_at_once), 400);
    EXPECT_EQ(status_of("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789", n_at_once), 0);
  }
}

}  // namespace
}  // namespace tinyllm
