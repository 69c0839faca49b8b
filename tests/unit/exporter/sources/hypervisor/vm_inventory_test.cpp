#include "exporter/sources/hypervisor/vm_inventory.h"

#include <gtest/gtest.h>

namespace upkeep {
namespace {

using std::chrono::seconds;

const VmUuid kWeb{"11111111-0000-0000-0000-000000000000"};
const VmUuid kDb{"22222222-0000-0000-0000-000000000000"};
const WallTime kEarly{seconds(1000)};
const WallTime kLate{seconds(2000)};

DomainState in_state(const VmUuid& uuid, VmState state, const std::string& name = "vm") {
  DomainState seen;
  seen.uuid = uuid;
  seen.name = {name};
  seen.state = state;
  return seen;
}

std::vector<DomainState> only(const VmUuid& uuid, VmState state) {
  std::vector<DomainState> states;
  states.push_back(in_state(uuid, state));
  return states;
}

Vms vms_of(const VmInventory& inventory) {
  return inventory.vms({}, {.backing_of = [](const DiskSource&) { return Backing{}; },
                            .is_present = [](const DefinedNetwork&) { return std::nullopt; }});
}

TEST(VmInventory, TheFirstListAnnouncesNothing) {
  const VmInventory inventory;
  EXPECT_FALSE(inventory.has_unannounced(only(kWeb, VmState::running), {}));
}

TEST(VmInventory, AChangeIsUnannouncedUntilItsEventCame) {
  VmInventory inventory;
  inventory.update(only(kWeb, VmState::running), {}, kEarly);
  EXPECT_FALSE(inventory.has_unannounced(only(kWeb, VmState::running), {}));
  EXPECT_TRUE(inventory.has_unannounced(only(kWeb, VmState::shut_off), {}));
  EXPECT_TRUE(inventory.has_unannounced(only(kWeb, VmState::shut_off),
                                        {{kWeb, {VmEventKind::shutdown_guest}}}))
      << "that one came before the stop";
  EXPECT_TRUE(inventory.has_unannounced(only(kWeb, VmState::shut_off),
                                        {{kDb, {VmEventKind::stopped_failed}}}))
      << "that one was of another VM";
  EXPECT_FALSE(inventory.has_unannounced(only(kWeb, VmState::shut_off),
                                         {{kWeb, {VmEventKind::stopped_failed}}}));
}

TEST(VmInventory, AVmThatCameOrWentIsAChangeToo) {
  VmInventory inventory;
  inventory.update(only(kWeb, VmState::shut_off), {}, kEarly);
  EXPECT_TRUE(inventory.has_unannounced({}, {}));
  EXPECT_FALSE(inventory.has_unannounced({}, {{kWeb, {VmEventKind::undefined}}}));
  auto both = only(kWeb, VmState::shut_off);
  both.push_back(in_state(kDb, VmState::shut_off));
  EXPECT_TRUE(inventory.has_unannounced(both, {}));
  EXPECT_FALSE(inventory.has_unannounced(both, {{kDb, {VmEventKind::defined}}}));
}

TEST(VmInventory, WhatIsNotInTheListIsGone) {
  VmInventory inventory;
  inventory.update(only(kWeb, VmState::running), {}, kEarly);
  inventory.update(only(kDb, VmState::running), {}, kEarly);
  const Vms vms = vms_of(inventory);
  ASSERT_EQ(vms.size(), 1U);
  EXPECT_EQ(vms[0].uuid, kDb);
}

TEST(VmInventory, VmsComeByName) {
  VmInventory inventory;
  auto states = only(kWeb, VmState::running);
  states[0].name = {"web"};
  states.push_back(in_state(kDb, VmState::running, "db"));
  inventory.update(states, {}, kEarly);
  const Vms vms = vms_of(inventory);
  EXPECT_EQ(vms[0].name.value, "db");
  EXPECT_EQ(vms[1].name.value, "web");
}

TEST(VmInventory, AStartIsDatedWhenItWasSeenAndNotWhenItWasBeforeOurTime) {
  VmInventory inventory;
  inventory.update(only(kWeb, VmState::running), {}, kEarly);
  EXPECT_FALSE(vms_of(inventory)[0].last_start.has_value());
  inventory.update(only(kWeb, VmState::shut_off), {}, kEarly);
  inventory.update(only(kWeb, VmState::running), {}, kLate);
  EXPECT_EQ(vms_of(inventory)[0].last_start, kLate);
}

TEST(VmInventory, AStopAndStartBetweenTwoPollsIsDatedByItsEvent) {
  VmInventory inventory;
  inventory.update(only(kWeb, VmState::running), {}, kEarly);
  inventory.update(only(kWeb, VmState::running), {{kWeb, {VmEventKind::started}}}, kLate);
  EXPECT_EQ(vms_of(inventory)[0].last_start, kLate);
}

TEST(VmInventory, CardsAreReadForNewVmsAndAgainWhenTheyStartOrStop) {
  VmInventory inventory;
  inventory.update(only(kWeb, VmState::shut_off), {}, kEarly);
  EXPECT_TRUE(inventory.needs_card(kWeb));
  EXPECT_TRUE(inventory.set_card(kWeb, {}));
  EXPECT_FALSE(inventory.needs_card(kWeb));
  EXPECT_FALSE(inventory.is_stale(kWeb));
  EXPECT_FALSE(inventory.set_card(kWeb, {})) << "says nothing new";
  inventory.update(only(kWeb, VmState::running), {}, kEarly);
  EXPECT_TRUE(inventory.is_stale(kWeb));
  EXPECT_FALSE(inventory.needs_card(kWeb)) << "the old one serves until the new one is read";
}

TEST(VmInventory, ANewConnectionReadsEverythingAgainAndKeepsWhatItSawStart) {
  VmInventory inventory;
  inventory.update(only(kWeb, VmState::shut_off), {}, kEarly);
  inventory.update(only(kWeb, VmState::running), {}, kEarly);
  inventory.set_card(kWeb, {});
  inventory.begin_again();
  EXPECT_TRUE(inventory.needs_card(kWeb));
  EXPECT_FALSE(inventory.has_unannounced(only(kWeb, VmState::shut_off), {}));
  inventory.update(only(kWeb, VmState::running), {}, kLate);
  EXPECT_EQ(vms_of(inventory)[0].last_start, kEarly);
}

TEST(VmInventory, MonitorFactsDoNotOutliveTheirQemu) {
  VmInventory inventory;
  inventory.update(only(kWeb, VmState::running), {}, kEarly);
  inventory.set_monitor(kWeb, {std::chrono::milliseconds(70000), std::nullopt});
  EXPECT_EQ(vms_of(inventory)[0].monitor_blocked, std::chrono::milliseconds(70000));
  inventory.update(only(kWeb, VmState::shut_off), {}, kEarly);
  inventory.update(only(kWeb, VmState::running), {}, kEarly);
  EXPECT_FALSE(vms_of(inventory)[0].monitor_blocked.has_value());
}

TEST(VmInventory, AVolumeIsAPathOnceItWasFoundOut) {
  VmInventory inventory;
  inventory.update(only(kWeb, VmState::shut_off), {}, kEarly);
  const DiskSource volume{DiskSource::Kind::volume, "vg0/web1", "vg0", "web1"};
  DomainCard card;
  card.definition_known = true;
  card.defined.emplace().disks = {{.target = {"vda"}, .source = volume}};
  inventory.set_card(kWeb, card);
  EXPECT_TRUE(inventory.paths({}).empty());
  EXPECT_EQ(inventory.volumes().at("vg0/web1"), volume);
  SlowFacts slow;
  slow.volumes.emplace("vg0/web1", DiskSource{DiskSource::Kind::path, "/dev/vg0/web1", {}, {}});
  EXPECT_EQ(inventory.paths(slow), std::set<std::string>{"/dev/vg0/web1"});
}

}  // namespace
}  // namespace upkeep
