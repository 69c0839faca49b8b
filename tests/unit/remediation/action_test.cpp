#include "remediation/action.h"

#include <gtest/gtest.h>

namespace upkeep {
namespace {

TEST(Target, IsWrittenWithItsKind) {
  EXPECT_EQ(to_string(target_of(VmName{"web1"})), "vm/web1");
  EXPECT_EQ(to_string(target_of(ResourceName{"r0"})), "resource/r0");
}

TEST(Target, IsReadBackFromWhatWasWritten) {
  for (const Target& target : {target_of(VmName{"web1"}), target_of(ResourceName{"r0"}),
                               target_of(VmName{"a/b"}), target_of(VmName{"vm/x"})}) {
    EXPECT_EQ(to_target(to_string(target)), target) << to_string(target);
  }
}

TEST(Target, AcceptsNothingElse) {
  for (const char* text :
       {"", "web1", "vm", "vm/", "resource/", "VM/web1", "node/n1", " vm/web1"}) {
    EXPECT_FALSE(to_target(text)) << text;
  }
}

TEST(Action, KnowsItsTargetNameAndRisk) {
  const Action start = StartVm{.vm = {"web1"}, .uuid = {"u"}};
  EXPECT_EQ(target_of(start), (Target{.kind = Target::Kind::vm, .name = "web1"}));
  EXPECT_EQ(name_of(start), "start_vm");
  EXPECT_EQ(risk_of(start), Risk::low);
  const Action bring_up = BringUpResource{.resource = {"r0"}};
  EXPECT_EQ(target_of(bring_up), (Target{.kind = Target::Kind::resource, .name = "r0"}));
  EXPECT_EQ(name_of(bring_up), "bring_up_resource");
  EXPECT_EQ(risk_of(bring_up), Risk::low);
}

TEST(Action, WhatTouchesSomethingThatIsUpIsOfMediumRisk) {
  const Target r0{.kind = Target::Kind::resource, .name = "r0"};
  const Target web1{.kind = Target::Kind::vm, .name = "web1"};
  const std::vector<std::pair<Action, Target>> all{
      {ReconnectResource{.resource = {"r0"}}, r0},
      {AttachDevice{.resource = {"r0"}, .volume = {1}}, r0},
      {ResumeVm{.vm = {"web1"}, .uuid = {"u"}}, web1},
      {ReattachDisk{.vm = {"web1"}, .uuid = {"u"}, .disk = {"vdb"}}, web1}};
  for (const auto& [action, target] : all) {
    EXPECT_EQ(target_of(action), target) << name_of(action);
    EXPECT_EQ(risk_of(action), Risk::medium) << name_of(action);
  }
}

TEST(Action, AResetIsOfHighRisk) {
  const Action reset = ResetVm{.vm = {"web1"}, .uuid = {"u"}};
  EXPECT_EQ(target_of(reset), (Target{.kind = Target::Kind::vm, .name = "web1"}));
  EXPECT_EQ(risk_of(reset), Risk::high);
}

TEST(Action, GivingUpDataIsOfHighRisk) {
  for (const SplitBrainSide side : {SplitBrainSide::discard_local, SplitBrainSide::keep_local}) {
    const Action action = ResolveSplitBrain{.resource = {"r0"}, .side = side};
    EXPECT_EQ(target_of(action), (Target{.kind = Target::Kind::resource, .name = "r0"}));
    EXPECT_EQ(risk_of(action), Risk::high);
    EXPECT_EQ(to_split_brain_side(to_string(side)), side);
  }
  EXPECT_FALSE(to_split_brain_side("discard"));
}

TEST(Action, ListsEveryNameOnce) {
  EXPECT_EQ(all_action_names(),
            (std::vector<std::string_view>{"start_vm", "bring_up_resource", "reconnect_resource",
                                           "attach_device", "resume_vm", "reset_vm",
                                           "reattach_disk", "resolve_split_brain"}));
  EXPECT_EQ(all_action_names().size(), std::variant_size_v<Action>);
}

TEST(Risk, IsOrdered) {
  EXPECT_LT(Risk::low, Risk::medium);
  EXPECT_LT(Risk::medium, Risk::high);
  EXPECT_EQ(to_string(Risk::medium), "medium");
}

}  // namespace
}  // namespace upkeep
