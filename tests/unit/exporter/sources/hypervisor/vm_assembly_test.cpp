#include "exporter/sources/hypervisor/vm_assembly.h"

#include <gtest/gtest.h>

namespace upkeep {
namespace {

DefinedDisk disk(const std::string& target, const std::string& path) {
  return {.target = {target},
          .source = {.kind = DiskSource::Kind::path, .text = path, .pool = {}, .volume = {}},
          .optional_at_start = false};
}

VmFacts facts_of(VmState state, std::vector<DefinedDisk> defined,
                 std::optional<std::vector<DefinedDisk>> live) {
  VmFacts facts;
  facts.name = {"web1"};
  facts.state = state;
  facts.card.definition_known = true;
  facts.card.defined.emplace().disks = std::move(defined);
  if (live) facts.card.live.emplace().disks = std::move(*live);
  return facts;
}

/// Every path is local but /dev/drbdN; network "default" is there.
Vm assembled(const VmFacts& facts) {
  return assemble(facts, {.backing_of =
                              [](const DiskSource& source) {
                                if (source.text.starts_with("/dev/drbd")) {
                                  return Backing{DiskBacking::drbd, {DeviceMinor{3}}};
                                }
                                return Backing{DiskBacking::local, {}};
                              },
                          .is_present = [](const DefinedNetwork& network) -> std::optional<bool> {
                            if (network.name == "silent") return std::nullopt;
                            return network.name == "default";
                          }});
}

TEST(VmAssembly, AVmThatIsOffHasNothingAttachedAndNothingMissing) {
  const Vm vm = assembled(facts_of(VmState::shut_off, {disk("vda", "/dev/drbd3")}, std::nullopt));
  ASSERT_EQ(vm.disks.size(), 1U);
  EXPECT_EQ(vm.disks[0].backing, DiskBacking::drbd);
  EXPECT_EQ(vm.disks[0].drbd, std::vector{DeviceMinor{3}});
  EXPECT_FALSE(vm.disks[0].attached.has_value());
  EXPECT_EQ(vm.job_active, false);
  EXPECT_FALSE(vm.monitor_blocked.has_value());
}

TEST(VmAssembly, ADiskThatTheDefinitionHasAndTheGuestLacksIsNotAttached) {
  const Vm vm = assembled(
      facts_of(VmState::running, {disk("vda", "/a"), disk("vdb", "/b")}, {{disk("vda", "/a")}}));
  ASSERT_EQ(vm.disks.size(), 2U);
  EXPECT_EQ(vm.disks[0].attached, true);
  EXPECT_EQ(vm.disks[1].attached, false);
  EXPECT_TRUE(vm.disks[1].in_definition);
}

TEST(VmAssembly, ADiskPluggedInLiveIsShownAsNotInTheDefinition) {
  const Vm vm =
      assembled(facts_of(VmState::running, {}, std::vector<DefinedDisk>{disk("vdb", "/b")}));
  ASSERT_EQ(vm.disks.size(), 1U);
  EXPECT_FALSE(vm.disks[0].in_definition);
  EXPECT_EQ(vm.disks[0].attached, true);
}

TEST(VmAssembly, WhatTheGuestWritesToNowGoesBeforeTheDefinition) {
  const Vm vm =
      assembled(facts_of(VmState::running, {disk("vda", "/old")}, {{disk("vda", "/dev/drbd3")}}));
  EXPECT_EQ(vm.disks[0].source, "/dev/drbd3");
  EXPECT_EQ(vm.disks[0].backing, DiskBacking::drbd);
}

TEST(VmAssembly, ALiveDefinitionFromBeforeTheStopAttachesNothing) {
  const Vm vm =
      assembled(facts_of(VmState::shut_off, {disk("vda", "/a")}, {{disk("vdb", "/hotplugged")}}));
  ASSERT_EQ(vm.disks.size(), 1U);
  EXPECT_FALSE(vm.disks[0].attached.has_value());
}

TEST(VmAssembly, ACrashedAndPreservedGuestStillHoldsItsDisks) {
  const Vm vm = assembled(facts_of(VmState::crashed, {disk("vda", "/a")}, {{disk("vda", "/a")}}));
  EXPECT_EQ(vm.disks[0].attached, true);
}

TEST(VmAssembly, AnUnreadableDefinitionLeavesDisksAndNetworksOutAndSaysSo) {
  VmFacts facts = facts_of(VmState::running, {disk("vda", "/a")}, std::nullopt);
  facts.card.definition_known = false;
  const Vm vm = assembled(facts);
  EXPECT_FALSE(vm.definition_known);
  EXPECT_TRUE(vm.disks.empty());
  EXPECT_EQ(vm.state, VmState::running) << "its state is known all the same";
}

TEST(VmAssembly, DiskErrorsCountOnlyWhilePausedOnThem) {
  VmFacts facts = facts_of(VmState::paused, {disk("vda", "/a")}, {{disk("vda", "/a")}});
  facts.reason = VmReason::io_error;
  facts.disk_errors = {{DiskTarget{"vda"}, "no space"}};
  EXPECT_EQ(assembled(facts).disks[0].error, "no space");
  facts.reason = VmReason::user;
  EXPECT_FALSE(assembled(facts).disks[0].error.has_value());
  facts.state = VmState::running;
  EXPECT_FALSE(assembled(facts).disks[0].error.has_value()) << "libvirt keeps it after a resume";
}

TEST(VmAssembly, NetworksThatCannotBeAskedAboutStayUnknown) {
  VmFacts facts = facts_of(VmState::shut_off, {}, std::nullopt);
  facts.card.defined->networks = {{"default", false}, {"br7", true}, {"silent", false}};
  facts.card.defined->other_manager = "nova";
  const Vm vm = assembled(facts);
  EXPECT_EQ(vm.networks,
            (std::vector<VmNetwork>{
                {"default", false, true}, {"br7", true, false}, {"silent", false, {}}}));
  EXPECT_EQ(vm.other_manager, "nova");
}

TEST(VmAssembly, AJobIsSeenByEitherCallAndUnknownWithoutBoth) {
  VmFacts facts = facts_of(VmState::running, {}, std::vector<DefinedDisk>{});
  EXPECT_FALSE(assembled(facts).job_active.has_value());
  facts.job_active = false;
  EXPECT_EQ(assembled(facts).job_active, false);
  facts.monitor.job_active = true;
  EXPECT_EQ(assembled(facts).job_active, true);
}

TEST(VmAssembly, OnlyAPathNeedsLookingAt) {
  const auto of = [](DiskSource::Kind kind) {
    return backing_without_looking({.kind = kind, .text = "x", .pool = {}, .volume = {}});
  };
  EXPECT_FALSE(of(DiskSource::Kind::path).has_value());
  EXPECT_EQ(of(DiskSource::Kind::network)->kind, DiskBacking::shared);
  EXPECT_EQ(of(DiskSource::Kind::volume)->kind, DiskBacking::unknown);
  EXPECT_EQ(of(DiskSource::Kind::other)->kind, DiskBacking::unknown);
  EXPECT_EQ(of(DiskSource::Kind::none)->kind, DiskBacking::unknown);
}

}  // namespace
}  // namespace upkeep
