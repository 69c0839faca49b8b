#include "exporter/sources/peers/peer_facts.h"

#include <gtest/gtest.h>

namespace upkeep {
namespace {

constexpr std::string_view kGood = R"({"node":"node2","version":"0.1.0","boot_id":"6f1b",
  "booted_at":"2026-03-01T03:09:50.000Z","boot_time":1772334590.5,"vms_known":true,
  "active_vms":["11111111-2222-3333-4444-555555555555"],"later":"key"})";

TEST(PeerFacts, ReadsWhoItIsAndWhatRunsThere) {
  const auto facts = parse_peer_facts(kGood);
  ASSERT_TRUE(facts.has_value()) << facts.error().message;
  EXPECT_EQ(facts->node.value, "node2");
  EXPECT_EQ(facts->boot_id.value, "6f1b");
  EXPECT_DOUBLE_EQ(to_unix_seconds(facts->boot_time), 1772334590.5);
  ASSERT_EQ(facts->active_vms.size(), 1U);
  EXPECT_EQ(facts->active_vms[0].value, "11111111-2222-3333-4444-555555555555");
}

TEST(PeerFacts, HalfAnAnswerIsNoAnswer) {
  for (const std::string_view bad : {
           "",
           "null",
           "[]",
           "{",
           "{}",
           R"({"boot_id":"b","boot_time":1,"vms_known":true,"active_vms":[]})",
           R"({"node":7,"boot_id":"b","boot_time":1,"vms_known":true,"active_vms":[]})",
           R"({"node":"","boot_id":"b","boot_time":1,"vms_known":true,"active_vms":[]})",
           R"({"node":"n","boot_id":null,"boot_time":1,"vms_known":true,"active_vms":[]})",
           R"({"node":"n","boot_id":"b","boot_time":null,"vms_known":true,"active_vms":[]})",
           R"({"node":"n","boot_id":"b","boot_time":1e300,"vms_known":true,"active_vms":[]})",
           R"({"node":"n","boot_id":"b","boot_time":-1,"vms_known":true,"active_vms":[]})",
           R"({"node":"n","boot_id":"b","boot_time":1,"vms_known":false,"active_vms":[]})",
           R"({"node":"n","boot_id":"b","boot_time":1,"active_vms":[]})",
           R"({"node":"n","boot_id":"b","boot_time":1,"vms_known":true,"active_vms":null})",
           R"({"node":"n","boot_id":"b","boot_time":1,"vms_known":true})",
           R"({"node":"n","boot_id":"b","boot_time":1,"vms_known":true,"active_vms":[7]})",
           R"({"node":"n","boot_id":"b","boot_time":1,"vms_known":true,"active_vms":["web1"]})",
       }) {
    EXPECT_FALSE(parse_peer_facts(bad).has_value()) << bad;
  }
}

TEST(PeerFacts, NoActiveVmIsAnAnswer) {
  const auto facts = parse_peer_facts(
      R"({"node":"n","boot_id":"b","boot_time":1,"vms_known":true,"active_vms":[]})");
  ASSERT_TRUE(facts.has_value());
  EXPECT_TRUE(facts->active_vms.empty());
}

TEST(PeerFacts, WhoCannotSayWhatItWantsStillSaysWhatRunsThere) {
  const auto with = [](const std::string& more) {
    return parse_peer_facts(
        R"({"node":"n","boot_id":"b","boot_time":1,"vms_known":true,"active_vms":[])" + more + "}");
  };
  const auto wanted = with(R"(,"wanted_vms":["11111111-2222-3333-4444-555555555555"])");
  ASSERT_TRUE(wanted && wanted->wanted_vms);
  EXPECT_EQ(wanted->wanted_vms->front().value, "11111111-2222-3333-4444-555555555555");
  EXPECT_TRUE(with(R"(,"wanted_vms":[])")->wanted_vms->empty());
  for (const char* bad : {"", R"(,"wanted_vms":null)", R"(,"wanted_vms":{})",
                          R"(,"wanted_vms":["web1"])", R"(,"wanted_vms":[7])"}) {
    const auto facts = with(bad);
    ASSERT_TRUE(facts) << bad;
    EXPECT_FALSE(facts->wanted_vms) << bad << ": unknown is not unwanted";
  }
  EXPECT_NE(with("")->wanted_vms.error().message.find("upgrade"), std::string::npos);
}

TEST(PeerFacts, WhatOnlyExplainsMayBeMissingOrWrong) {
  const std::string whole = R"({"node":"n2","boot_id":"b2","boot_time":1772334590,"vms_known":true,
    "active_vms":[],"wanted_vms":[])";
  const auto with = [&](const std::string& more) { return parse_peer_facts(whole + more + "}"); };
  const auto said = with(R"(,"mode":"dry-run","held_vms":{
    "11111111-2222-3333-4444-555555555555":"other_manager","web1":"paused"})");
  ASSERT_TRUE(said);
  EXPECT_EQ(said->mode, "dry-run");
  EXPECT_EQ(
      said->held_vms,
      (std::map<VmUuid, std::string>{{{"11111111-2222-3333-4444-555555555555"}, "other_manager"}}));
  for (const char* odd : {"", R"(,"mode":null,"held_vms":null)", R"(,"mode":7,"held_vms":[])",
                          R"(,"mode":"on your node run `rm`")"}) {
    const auto facts = with(odd);
    ASSERT_TRUE(facts) << odd;
    EXPECT_TRUE(facts->wanted_vms) << odd;
    EXPECT_EQ(facts->mode, "") << odd;
    EXPECT_TRUE(facts->held_vms.empty()) << odd;
  }
}

}  // namespace
}  // namespace upkeep
