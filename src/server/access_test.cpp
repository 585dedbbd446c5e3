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
  const std::vector<ApiKey> keys = {read_key("one # Ann", 1), read_key("two words", 2)};
  const auto name_of = [&](const HttpRequest& request) {
    const ApiKey* key = find_key(request, keys);
    return key == nullptr ? "" : key->name;
  };
  EXPECT_EQ(name_of({}), "");
  EXPECT_EQ(name_of(with("authorization", "Bearer one")), "Ann");
  EXPECT_EQ(name_of(with("authorization", "bearer two words")), "key 2");
  EXPECT_EQ(name_of(with("x-api-key", "one")), "Ann");
  for (const char* wrong : {"Bearer ", "Bearer on", "Bearer onee", "Basic one", "one", ""})
    EXPECT_EQ(name_of(with("authorization", wrong)), "") << wrong;
  EXPECT_EQ(find_key(with("x-api-key", ""), {{"", "nobody"}}), nullptr);
  EXPECT_EQ(key_salt(keys[0]), key_salt(read_key("one", 7)));
  EXPECT_NE(key_salt(keys[0]), key_salt(keys[1]));
}

TEST(Access, HostNamesOfThisMachine) {
  for (const HostNames names : {HostNames::local, HostNames::literal}) {
    for (const char* host :
         {"localhost", "LOCALHOST:80", "a.localhost", "127.0.0.1:1", "[::1]:8000"})
      EXPECT_TRUE(names_this_host(with("host", host), names, {})) << host;
    for (const char* host :
         {"", "evil", "localhost.evil", "127.0.0.1.evil", "[::1", ":80", "1.2.3"})
      EXPECT_FALSE(names_this_host(with("host", host), names, {})) << host;
    EXPECT_TRUE(names_this_host(with("host", "Evil:80"), names, {"evil"}));
    EXPECT_TRUE(names_this_host(with("host", "anything"), names, {"*"}));
  }
  for (const char* host : {"192.0.2.7", "192.0.2.7:8000", "[2001:db8::7]:8000"}) {
    EXPECT_FALSE(names_this_host(with("host", host), HostNames::local, {})) << host;
    EXPECT_TRUE(names_this_host(with("host", host), HostNames::literal, {})) << host;
  }
}

TEST(Access, OnlyTrustedProxiesNameTheClient) {
  const auto address = [](const char* forwarded, const std::string& peer) {
    return client_address(with("x-forwarded-for", forwarded), peer, {"10.0.0.1", "10.0.0.2"});
  };
  EXPECT_EQ(address("192.0.2.7", "10.0.0.1"), "192.0.2.7");
  EXPECT_EQ(address("1.1.1.1, 192.0.2.7, 10.0.0.2", "10.0.0.1"), "192.0.2.7");
  EXPECT_EQ(address("10.0.0.2", "10.0.0.1"), "10.0.0.2");
  EXPECT_EQ(address("", "10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(address("192.0.2.7", "192.0.2.9"), "192.0.2.9");
}

TEST(Access, OneClientHasAWholeNetworkOfIpv6) {
  EXPECT_EQ(client_network("2001:db8:0:1:2:3:4:5"), "2001:db8:0:1::");
  EXPECT_EQ(client_network("2001:db8:0:1::"), client_network("2001:db8:0:1:ffff::1"));
  EXPECT_NE(client_network("2001:db8:0:1::5"), client_network("2001:db8:0:2::5"));
  for (const char* other : {"192.0.2.7", "", "nobody", "2001:db8::/64"})
    EXPECT_EQ(client_network(other), other);
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
