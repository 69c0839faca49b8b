#include "exporter/http/listen_address.h"

#include <gtest/gtest.h>

namespace upkeep {
namespace {

TEST(ListenAddressTest, IsReadFromAddressAndPort) {
  EXPECT_EQ(parse_listen_address("127.0.0.1:9894"), (ListenAddress{"127.0.0.1", 9894}));
  EXPECT_EQ(parse_listen_address("0.0.0.0:0"), (ListenAddress{"0.0.0.0", 0}));
  EXPECT_EQ(parse_listen_address(":9893"), (ListenAddress{"0.0.0.0", 9893}));
  EXPECT_EQ(parse_listen_address("*:65535"), (ListenAddress{"0.0.0.0", 65535}));
  EXPECT_EQ(parse_listen_address("localhost:1"), (ListenAddress{"127.0.0.1", 1}));
}

TEST(ListenAddressTest, KnowsLoopback) {
  EXPECT_TRUE(is_loopback({"127.0.0.1", 1}));
  EXPECT_TRUE(is_loopback({"127.1.2.3", 1}));
  EXPECT_FALSE(is_loopback({"0.0.0.0", 1}));
  EXPECT_FALSE(is_loopback({"10.127.0.1", 1}));
}

std::string why(std::string_view text) {
  const auto address = parse_listen_address(text);
  if (address) return "accepted";
  EXPECT_EQ(address.error().code, Errc::invalid);
  EXPECT_NE(address.error().message.find(std::string(text)), std::string::npos);
  return address.error().message;
}

TEST(ListenAddressTest, RefusesIpv6WithAWayOut) {
  for (const char* text : {"[::1]:9893", "[::]:9893", "::1:9893", "fe80::1"}) {
    EXPECT_NE(why(text).find("nginx or stunnel"), std::string::npos) << text;
    EXPECT_NE(why(text).find("IPv6"), std::string::npos) << text;
    EXPECT_NE(why(text).find(kFrontExamples), std::string::npos) << text;
  }
}

TEST(ListenAddressTest, RefusesTlsWithAWayOut) {
  EXPECT_NE(why("0.0.0.0:443s").find("TLS"), std::string::npos);
  EXPECT_NE(why("0.0.0.0:443s").find("nginx or stunnel"), std::string::npos);
  EXPECT_NE(why("0.0.0.0:443s").find(kFrontExamples), std::string::npos);
}

TEST(ListenAddressTest, RefusesWhatIsNoAddress) {
  for (const char* text :
       {"", "9893", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80r",
        "node1:80", "256.0.0.1:80", "127.0.0.1:80,127.0.0.1:81", "1.2.3:80"}) {
    EXPECT_NE(why(text), "accepted") << text;
  }
}

}  // namespace
}  // namespace upkeep
