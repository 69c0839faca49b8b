#include "remediation/alerts/alertmanager.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

std::string body_of(const char* name) {
  const auto path = std::filesystem::path(UPKEEP_FIXTURES) / "alertmanager" / name;
  std::ifstream stream(path, std::ios::binary);
  EXPECT_TRUE(stream.is_open()) << path;
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

AlertDelivery delivery_of(const std::string& body) {
  auto delivery = parse_delivery(body);
  EXPECT_TRUE(delivery.has_value()) << delivery.error().message;
  return delivery.value_or(AlertDelivery{});
}

std::string error_of(const std::string& body) {
  const auto delivery = parse_delivery(body);
  EXPECT_FALSE(delivery.has_value()) << "was taken: " << body.substr(0, 200);
  if (delivery) return "";
  EXPECT_EQ(delivery.error().message.find('\n'), std::string::npos);
  return delivery.error().message;
}

const std::string kAlert =
    R"({"status":"firing","labels":{"alertname":"A"},"startsAt":"2026-11-22T12:59:15Z",)"
    R"("fingerprint":"aabfade6f6ae7dfa"})";

std::string with_alerts(const std::string& alerts) {
  return R"({"version":"4","status":"resolved","alerts":[)" + alerts + "]}";
}

/// The good alert with a part replaced.
std::string with(const std::string& old, const std::string& part) {
  std::string alert = kAlert;
  const std::size_t at = alert.find(old);
  EXPECT_NE(at, std::string::npos);
  return with_alerts(alert.replace(at, old.size(), part));
}

TEST(Alertmanager, ReadsWhatTheRealOneSends) {
  const AlertDelivery delivery = delivery_of(body_of("firing-single.json"));
  EXPECT_FALSE(delivery.truncated);
  ASSERT_EQ(delivery.alerts.size(), 1U);
  const Alert& alert = delivery.alerts[0];
  EXPECT_TRUE(alert.firing);
  EXPECT_EQ(alert.fingerprint, "aabfade6f6ae7dfa");
  EXPECT_EQ(alert.labels.at("alertname"), "VMGuardDomainDown");
  EXPECT_EQ(alert.labels.at("domain"), "web-01");
  EXPECT_EQ(alert.labels.size(), 8U);
  EXPECT_EQ(alert.starts_at, WallTime(1795352355s + 522ms));

  const AlertDelivery resolved = delivery_of(body_of("resolved-single.json"));
  ASSERT_EQ(resolved.alerts.size(), 1U);
  EXPECT_FALSE(resolved.alerts[0].firing);
  // The same alert: what makes it this one has not changed.
  EXPECT_EQ(resolved.alerts[0].fingerprint, alert.fingerprint);
  EXPECT_EQ(resolved.alerts[0].starts_at, alert.starts_at);

  EXPECT_EQ(delivery_of(body_of("grouped-firing-2.json")).alerts.size(), 2U);
  EXPECT_FALSE(delivery_of(body_of("grouped-resolved.json")).alerts[0].firing);
  EXPECT_TRUE(delivery_of(body_of("truncated-max_alerts-1-firing.json")).truncated);
}

TEST(Alertmanager, BelievesEachAlertsStatusAndNotTheGroups) {
  const AlertDelivery delivery = delivery_of(with_alerts(kAlert));
  ASSERT_EQ(delivery.alerts.size(), 1U);
  EXPECT_TRUE(delivery.alerts[0].firing);
}

TEST(Alertmanager, TakesAnEmptyGroupAndUnknownKeys) {
  EXPECT_TRUE(delivery_of(with_alerts("")).alerts.empty());
  EXPECT_EQ(delivery_of(with(R"({"status")", R"({"new":[{}],"status")")).alerts.size(), 1U);
}

TEST(Alertmanager, SaysInOneLineWhatIsWrongAndWhere) {
  const std::vector<std::pair<std::string, const char*>> bad{
      {"", "the body is not JSON"},
      {"{\"version\":\"4\"", "the body is not JSON"},
      {"[]", "the body is not a JSON object"},
      {"{}", "version is missing"},
      {R"({"version":4,"alerts":[]})", "version is missing"},
      {R"({"version":"3","alerts":[]})", "version is \"3\", this upkeep reads \"4\""},
      {R"({"version":"4"})", "alerts is not a list"},
      {R"({"version":"4","alerts":{}})", "alerts is not a list"},
      // What a Slack or a home-made template sends.
      {R"({"text":"web1 is down","channel":"#ops"})", "version is missing"},
      {with_alerts("7"), "alerts[0] is not an object"},
      {with_alerts(kAlert + ",null"), "alerts[1] is not an object"},
      {with("\"firing\"", "\"suppressed\""), "alerts[0].status is neither"},
      {with("\"firing\"", "true"), "alerts[0].status is neither"},
      {with("aabfade6f6ae7dfa", "AABFADE6F6AE7DFA"), "alerts[0].fingerprint is not"},
      {with("aabfade6f6ae7dfa", "' OR 1=1"), "alerts[0].fingerprint is not"},
      {with("2026-11-22T12:59:15Z", "yesterday"), "alerts[0].startsAt is not a time"},
      {with("2026-11-22T12:59:15Z", "0001-01-01T00:00:00Z"), "alerts[0].startsAt is not a time"},
      {with(R"({"alertname":"A"})", R"(["A"])"), "alerts[0].labels is not an object"},
      {with("\"A\"", "{\"$gt\":\"\"}"), "alerts[0].labels.alertname is no text"},
      {with("\"alertname\":\"A\"", "\"a\\nb\":1"), "alerts[0].labels.a?b is no text"},
      {R"({"version":"4","alerts":[],"truncatedAlerts":"1"})", "truncatedAlerts is no number"},
      {R"({"version":"4","alerts":[],"truncatedAlerts":-1})", "truncatedAlerts is no number"},
      {std::string("\xff\xfe"), "the body is not JSON"},
  };
  for (const auto& [body, what] : bad) EXPECT_THAT(error_of(body), HasSubstr(what)) << body;
}

TEST(Alertmanager, LooksAtNothingThatNestsTooDeep) {
  const std::string deep(100'000, '[');
  EXPECT_THAT(error_of(deep), HasSubstr("too deep"));
  EXPECT_THAT(error_of(R"({"version":"4","alerts":)" + deep + std::string(100'000, ']') + "}"),
              HasSubstr("too deep"));
  std::string objects;
  for (int i = 0; i < 50'000; ++i) objects += R"({"a":)";
  EXPECT_THAT(error_of(objects), HasSubstr("too deep"));
  // Brackets in a text are a text.
  EXPECT_EQ(delivery_of(with("\"A\"", R"("\"[[[[[[[[[[[[[[[[[[[[[[[[")")).alerts.size(), 1U);
}

TEST(Alertmanager, TakesNoMoreAlertsThanItsLimit) {
  std::string alerts = kAlert;
  for (std::size_t i = 1; i < kMostAlerts; ++i) alerts += "," + kAlert;
  EXPECT_EQ(delivery_of(with_alerts(alerts)).alerts.size(), kMostAlerts);
  EXPECT_THAT(error_of(with_alerts(alerts + "," + kAlert)), HasSubstr("at most 1000"));
}

TEST(Shown, CutsAtACharacterAndHidesControls) {
  EXPECT_EQ(shown("web1"), "web1");
  EXPECT_EQ(shown("a\nb\x7f"), "a?b?");
  EXPECT_EQ(shown("ääää", 3), "ä…");
  EXPECT_EQ(shown("abcd", 4), "abcd");
  EXPECT_EQ(shown("abcde", 4), "abcd…");
}

TEST(Alertmanager, SaysWhyABodyIsNotTaken) {
  std::string many = kAlert;
  for (std::size_t i = 0; i < kMostAlerts; ++i) many += "," + kAlert;
  const std::vector<std::pair<std::string, BodyRefusal>> bad{
      {"", BodyRefusal::not_json},
      {R"({"version":"4")", BodyRefusal::not_json},
      {"receiver=upkeep&status=firing", BodyRefusal::not_json},
      {std::string(17, '[') + std::string(17, ']'), BodyRefusal::too_deep},
      {R"({"version":"3","alerts":[]})", BodyRefusal::wrong_version},
      {R"({"version":4,"alerts":[]})", BodyRefusal::wrong_version},
      {R"({"text":"web1 is down"})", BodyRefusal::wrong_version},
      {"[]", BodyRefusal::not_v4},
      {R"({"version":"4","alerts":{}})", BodyRefusal::not_v4},
      {R"({"version":"4","alerts":[],"truncatedAlerts":"2"})", BodyRefusal::not_v4},
      {with("firing", "FIRING"), BodyRefusal::not_v4},
      {with("aabfade6f6ae7dfa", ""), BodyRefusal::not_v4},
      {with("2026-11-22T12:59:15Z", "yesterday"), BodyRefusal::not_v4},
      {with_alerts(many), BodyRefusal::too_many_alerts},
  };
  for (const auto& [body, reason] : bad) {
    const auto delivery = parse_delivery(body);
    ASSERT_FALSE(delivery) << body.substr(0, 100);
    EXPECT_EQ(to_string(delivery.error().reason), to_string(reason)) << body.substr(0, 100);
  }
}

}  // namespace
}  // namespace upkeep
