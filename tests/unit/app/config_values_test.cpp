#include "app/config_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST(ParseDuration, ReadsEveryUnit) {
  EXPECT_EQ(parse_duration("500ms"), Duration(500ms));
  EXPECT_EQ(parse_duration("10s"), Duration(10s));
  EXPECT_EQ(parse_duration("5m"), Duration(5min));
  EXPECT_EQ(parse_duration("8h"), Duration(8h));
  EXPECT_EQ(parse_duration("2d"), Duration(48h));
  EXPECT_EQ(parse_duration("0s"), Duration(0s));
}

TEST(ParseDuration, AddsUp) {
  EXPECT_EQ(parse_duration("1h30m"), Duration(90min));
  EXPECT_EQ(parse_duration("1d1h1m1s1ms"), Duration(25h + 1min + 1s + 1ms));
}

TEST(ParseDuration, RefusesTheRest) {
  for (const char* text : {"", "10", "s", "-5s", "+5s", "1.5s", "10 s", " 10s", "10s ", "10S",
                           "10sec", "30s1m", "1m1m", "5m10", "0x10s", "1e3s", "١s"}) {
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
  }
}

TEST(ParseDuration, DoesNotOverflow) {
  EXPECT_EQ(parse_duration("10000d"), Duration(24h * 10'000));
  for (const char* text :
       {"10001d", "10000d1ms", "9223372036854775807ms", "9223372036854775808ms", "106751991167d"}) {
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
  }
}

TEST(ParseAllowDegraded, IsNeverOrAfterAWait) {
  EXPECT_EQ(parse_allow_degraded("never").value(), std::nullopt);
  EXPECT_EQ(parse_allow_degraded("after 10m").value(), 10min);
  EXPECT_EQ(parse_allow_degraded("after 7d").value(), 168h);
}

TEST(ParseAllowDegraded, RefusesTheRest) {
  EXPECT_EQ(parse_allow_degraded("always").error(),
            "'always' is neither \"never\" nor a wait such as \"after 10m\"");
  EXPECT_EQ(parse_allow_degraded("after 10s").error(), "10s is not between 1m and 7d");
  EXPECT_EQ(parse_allow_degraded("after 8d").error(), "8d is not between 1m and 7d");
  EXPECT_FALSE(parse_allow_degraded("after").has_value());
  EXPECT_FALSE(parse_allow_degraded("after soon").has_value());
  EXPECT_FALSE(parse_allow_degraded("10m").has_value());
}

TEST(DurationText, IsWhatPeopleWrite) {
  EXPECT_EQ(duration_text(0s), "0s");
  EXPECT_EQ(duration_text(500ms), "500ms");
  EXPECT_EQ(duration_text(90s), "90s");
  EXPECT_EQ(duration_text(60s), "1m");
  EXPECT_EQ(duration_text(120s), "2m");
  EXPECT_EQ(duration_text(90min), "1h30m");
  EXPECT_EQ(duration_text(48h), "2d");
}

TEST(DurationText, IsReadBack) {
  int checked = 0;
  for (Duration duration = 1ms; duration < 24h * 3000; duration = duration * 7 / 3 + 13ms) {
    const Duration whole = std::chrono::duration_cast<std::chrono::milliseconds>(duration);
    EXPECT_EQ(parse_duration(duration_text(whole)), whole) << duration_text(whole);
    ++checked;
  }
  EXPECT_GT(checked, 20);
}

TEST(ParseListen, ReadsAddressAndPort) {
  EXPECT_EQ(parse_listen("10.0.0.1:80"), (ListenAddress{"10.0.0.1", 80}));
  EXPECT_EQ(parse_listen(":9893"), (ListenAddress{"0.0.0.0", 9893}));
  EXPECT_EQ(parse_listen("localhost:0"), (ListenAddress{"127.0.0.1", 0}));
  EXPECT_EQ(parse_listen("255.255.255.255:65535"), (ListenAddress{"255.255.255.255", 65535}));
}

TEST(ParseListen, SaysHowToGetTlsAndIpv6) {
  for (const char* text : {"[::1]:9893", "::1:9893", "0.0.0.0:9893s", "https://0.0.0.0:9893"}) {
    const auto refused = parse_listen(text);
    ASSERT_FALSE(refused.has_value()) << text;
    EXPECT_THAT(refused.error(), HasSubstr("nginx or stunnel")) << text;
  }
}

TEST(ParseListen, RefusesTheRest) {
  for (const char* text : {"", ":", "9893", "1.2.3.4", "1.2.3:80", "1.2.3.4.5:80", "1.2.3.256:80",
                           "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:+1", "1.2.3.4: 80",
                           "1.2.3.4:", "1.2.3.4:80,81", " 1.2.3.4:80", "1..2.3:80"}) {
    EXPECT_FALSE(parse_listen(text).has_value()) << text;
  }
}

TEST(ParseBaseUrl, TakesHostsAndAddresses) {
  EXPECT_EQ(parse_base_url("http://node2"), "http://node2");
  EXPECT_EQ(parse_base_url("http://10.0.0.2:9893/"), "http://10.0.0.2:9893");
  EXPECT_EQ(parse_base_url("https://[fd00::2]:443"), "https://[fd00::2]:443");
}

TEST(ParseBaseUrl, RefusesTheRest) {
  for (const char* text :
       {"", "node2:9893", "ftp://node2", "http://", "http:///", "http://:9893",
        "http://node2:", "http://node2:x", "http://node2:65536", "http://a b",
        "http://node2/metrics", "http://node2?x", "http://u:p@node2", "http://[]"}) {
    EXPECT_FALSE(parse_base_url(text).has_value()) << text;
  }
}

TEST(ParseGlob, TakesWhatFnmatchTakes) {
  for (const char* text : {"*", "web?", "db[0-9]", "[]a]", "[!]a]x", "a\\*b", "a]"}) {
    EXPECT_EQ(parse_glob(text), text);
  }
}

TEST(ParseGlob, RefusesHalfPatterns) {
  for (const char* text : {"", "web[", "web[1", "[]", "[!]", "web\\"}) {
    EXPECT_FALSE(parse_glob(text).has_value()) << text;
  }
}

TEST(ParseNodeName, TakesHostNamesOnly) {
  EXPECT_EQ(parse_node_name("node-1.example_x"), "node-1.example_x");
  for (const char* text : {"", "node 1", "node/1", "knödel", "a\nb"}) {
    EXPECT_FALSE(parse_node_name(text).has_value()) << text;
  }
}

TEST(ParseNetwork, TakesAddressesAndNetworks) {
  for (const char* text :
       {"10.0.0.0/24", "10.0.0.7", "10.0.0.7/32", "0.0.0.0/0", "172.16.0.0/12"}) {
    EXPECT_EQ(parse_network(text), text);
  }
  for (const char* text : {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.7/24",
                           "10.0.0", "fd00::/8", "node2", "10.0.0.0/24/8", "10.0.0.1/0"}) {
    EXPECT_FALSE(parse_network(text).has_value()) << text;
  }
}

TEST(ParseLabelName, TakesWhatPrometheusTakes) {
  for (const char* text : {"vm", "_x", "Vm_2", "__name__"}) EXPECT_EQ(parse_label_name(text), text);
  for (const char* text : {"", "2vm", "v-m", "v.m", "v m", "vm\n", "gerät"}) {
    EXPECT_FALSE(parse_label_name(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace upkeep
