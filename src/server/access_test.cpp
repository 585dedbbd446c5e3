#include "server/access.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

HttpRequest with(const char* name, const char* value) {
  HttpRequest request;
  request.headers.emplace_back(name, value);
  return request;
}

TEST(Access, AnyOfTheKeysInEitherHeader) {
  const std::vector<std::string> keys = {"one", "two words"};
  EXPECT_TRUE(has_key({}, {}));
  EXPECT_FALSE(has_key({}, keys));
  EXPECT_TRUE(has_key(with("authorization", "Bearer one"), keys));
  EXPECT_TRUE(has_key(with("authorization", "bearer two words"), keys));
  EXPECT_TRUE(has_key(with("x-api-key", "one"), keys));
  for (const char* wrong : {"Bearer ", "Bearer on", "Bearer onee", "Basic one", "one", ""})
    EXPECT_FALSE(has_key(with("authorization", wrong), keys)) << wrong;
  EXPECT_FALSE(has_key(with("x-api-key", ""), {""}));
}

TEST(Access, HostNamesOfThisMachine) {
  for (const char* host : {"localhost", "LOCALHOST:80", "a.localhost", "127.0.0.1:1", "[::1]:8000"})
    EXPECT_TRUE(names_this_host(with("host", host), {})) << host;
  for (const char* host : {"", "evil", "localhost.evil", "127.0.0.1.evil", "[::2]", "[::1", ":80"})
    EXPECT_FALSE(names_this_host(with("host", host), {})) << host;
  EXPECT_TRUE(names_this_host(with("host", "Evil:80"), {"evil"}));
  EXPECT_TRUE(names_this_host(with("host", "anything"), {"*"}));
}

TEST(Access, OriginsAreWholeNames) {
  EXPECT_EQ(allowed_origin(with("origin", "https://a"), {}), "");
  EXPECT_EQ(allowed_origin(with("origin", "https://a"), {"https://a"}), "https://a");
  EXPECT_EQ(allowed_origin(with("origin", "https://a.evil"), {"https://a"}), "");
  EXPECT_EQ(allowed_origin(with("origin", "https://x"), {"*"}), "https://x");
  EXPECT_EQ(allowed_origin({}, {"*"}), "");
}

}  // namespace
}  // namespace tinyllm
