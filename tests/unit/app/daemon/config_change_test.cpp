#include "app/daemon/config_change.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace upkeep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ConfigChange, SameFileChangesNothing) {
  const ConfigChange change = change_between({}, {});
  EXPECT_THAT(change.now, IsEmpty());
  EXPECT_THAT(change.at_restart, IsEmpty());
}

TEST(ConfigChange, TellsWhatHappensAtOnceFromWhatWaits) {
  Config after;
  after.mode = Mode::act;
  after.policy.back_off.first_gap = std::chrono::seconds(20);
  after.vms.push_back({.match = "db*", .keep = Keep::up});
  after.alerts.push_back({.alertname = "VmDown", .action = AlertAction::recheck});
  after.node = "other";
  after.http.listen.port = 1;
  after.libvirt.stats = false;
  after.drbd.enabled = DrbdUse::off;
  after.journal = "/elsewhere";
  after.peers.push_back({.name = NodeName{"node2"}, .url = "http://10.0.0.2:9893"});
  const ConfigChange change = change_between({}, after);
  EXPECT_THAT(change.now, ElementsAre("mode", "policy", "vm", "alert"));
  EXPECT_THAT(change.at_restart, ElementsAre("node", "http", "libvirt", "drbd", "journal", "peer"));
}

TEST(ConfigChange, WhatWaitsForARestartDoesNotReachThePolicyEither) {
  Config running;
  running.node = "node1";
  Config file;
  file.mode = Mode::act;
  file.policy.back_off.first_gap = std::chrono::seconds(20);
  file.vms.push_back({.match = "db*", .keep = Keep::up});
  file.alerts.push_back({.alertname = "VmDown", .action = AlertAction::recheck});
  file.node = "other";
  file.drbd.attach_on_primary = true;
  file.peers.push_back({.name = NodeName{"node2"}, .url = "http://10.0.0.2:9893"});
  const Config config = reloaded(running, file);
  EXPECT_EQ(config.mode, Mode::act);
  EXPECT_EQ(config.policy, file.policy);
  EXPECT_EQ(config.vms, file.vms);
  EXPECT_EQ(config.alerts, file.alerts);
  EXPECT_EQ(config.node, "node1");
  const Policy policy = to_policy(config);
  EXPECT_FALSE(policy.attach_on_primary);
  EXPECT_THAT(policy.peers, IsEmpty());
}

}  // namespace
}  // namespace upkeep
