#include "remediation/gates/peer_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "remediation/gates/storage_gate.h"
#include "tests/support/world.h"

namespace upkeep {
namespace {

using namespace std::chrono_literals;
using test::a_resource;
using test::a_vm;
using test::TestWorld;
using test::uuid_of;
using testing::HasSubstr;

Vm on_shared() { return a_vm("web1").off().disk("vda", DiskBacking::shared); }
Vm on_local() { return a_vm("web1").off().disk("vda", DiskBacking::local); }

Held held(TestWorld world, const Vm& vm) {
  const auto told = world.history.wanted_told;
  world.with(vm);
  if (told) world.history.wanted_told = told;
  const auto clearance = storage_gate(vm, world.view());
  return clearance ? Held{} : clearance.error();
}

bool is_open(TestWorld world, const Vm& vm) {
  const auto told = world.history.wanted_told;
  world.with(vm);
  if (told) world.history.wanted_told = told;
  return storage_gate(vm, world.view()).has_value();
}

PeerFacts& facts_of(TestWorld& world) { return *world.snapshot.peers.back().facts.reading; }

void declare_node2_dead(TestWorld& world) {
  const Standing word{.kind = Standing::Kind::peer_dead, .subject = "node2", .at = test::kWall};
  world.history.standings[key_of(word)] = word;
}

/// node2 said its last word 22 s ago.
TestWorld silent_since(std::vector<std::string> active) {
  TestWorld world;
  world.peer("node2", std::move(active));
  world.snapshot.peers.back().facts.at -= 22s;
  world.snapshot.peers.back().error = Error{Errc::timed_out, "no answer in time"};
  return world;
}

// Two nodes that want one VM.

TEST(PeerWishes, WhatAPeerWantsTooIsStartedByNeither) {
  TestWorld world;
  world.peer("node2");
  EXPECT_TRUE(is_open(world, on_shared()));
  facts_of(world).wanted_vms = std::vector<VmUuid>{{uuid_of("web1")}};
  const Held both = held(world, on_shared());
  EXPECT_EQ(both.reason, Hold::may_run_elsewhere);
  EXPECT_EQ(both.detail,
            "disk vda is on shared storage, and node2 wants it too: on the node that is not to run "
            "it, `upkeep mark web1 auto` takes an old mark back, and `upkeep mark web1 down` ends "
            "the wish");
  EXPECT_EQ(both.opens_with, "") << "it is for a person to say which node";
  facts_of(world).wanted_vms = std::vector<VmUuid>{{uuid_of("web2")}};
  EXPECT_TRUE(is_open(world, on_shared()));
}

TEST(PeerWishes, WhoWantsItAndStartsNothingIsNamedWithWhatEndsThat) {
  TestWorld world;
  world.peer("node2");
  facts_of(world).wanted_vms = std::vector<VmUuid>{{uuid_of("web1")}};
  const auto says = [&] { return held(world, on_shared()).detail; };
  facts_of(world).mode = "observe";
  EXPECT_EQ(says(),
            "disk vda is on shared storage, and node2 wants it too, though upkeep there starts "
            "nothing (mode observe): `upkeep mark web1 down` on node2 ends that wish, and lets it "
            "be started here; else start it there by hand");
  EXPECT_EQ(held(world, on_shared()).reason, Hold::may_run_elsewhere)
      << "a person may be starting it there";
  facts_of(world).mode = "dry-run";
  EXPECT_THAT(says(), HasSubstr("starts nothing (mode dry-run)"));
  facts_of(world).mode = "act";
  facts_of(world).held_vms = {{{uuid_of("web1")}, "other_manager"}};
  EXPECT_THAT(says(), HasSubstr("node2 wants it too, though it is held there (other_manager): "
                                "`upkeep why web1` on node2 says what ends that"));
  facts_of(world).held_vms = {{{uuid_of("web1")}, "may_run_elsewhere"}};
  EXPECT_THAT(says(), HasSubstr("on the node that is not to run it")) << "it waits for this one";
  facts_of(world).held_vms = {{{uuid_of("web2")}, "paused"}};
  EXPECT_THAT(says(), HasSubstr("on the node that is not to run it"));
}

TEST(PeerWishes, NotKnownIsNotUnwanted) {
  TestWorld world;
  world.peer("node2");
  facts_of(world).wanted_vms = fail(Errc::unavailable, "too old: upgrade upkeep there");
  const Held old = held(world, on_shared());
  EXPECT_EQ(old.reason, Hold::may_run_elsewhere);
  EXPECT_THAT(old.detail, HasSubstr("upgrade upkeep there"));
}

TEST(PeerWishes, AnAnswerFromBeforeThePeerCouldKnowOursDoesNotCount) {
  TestWorld world;
  world.peer("node2");
  world.with(on_shared());
  Tick& told = world.history.wanted_told->at(VmUuid{uuid_of("web1")});
  told = world.now - 1ns;
  EXPECT_TRUE(is_open(world, on_shared()));
  told = world.now;
  EXPECT_EQ(held(world, on_shared()).reason, Hold::unconfirmed) << "asked in the same moment";
  told = Tick::max();
  EXPECT_EQ(held(world, on_shared()).reason, Hold::unconfirmed) << "not told yet";
  world.history.wanted_told->clear();
  EXPECT_EQ(held(world, on_shared()).reason, Hold::unconfirmed) << "not on the list";
}

TEST(PeerWishes, AreNothingToWhomOnlyThisNodeUsesOrWhoIsHereAlready) {
  TestWorld world;
  world.peer("node2");
  facts_of(world).wanted_vms = std::vector<VmUuid>{{uuid_of("web1")}};
  const Vm paused =
      a_vm("web1").state(VmState::paused, VmReason::io_error).disk("vda", DiskBacking::shared);
  EXPECT_TRUE(is_open(world, paused)) << "node2 hears that it is active here";
  EXPECT_TRUE(is_open(world, on_local()));
  world.vm_policy({.match = "web*", .exclusive = true});
  EXPECT_TRUE(is_open(world, on_shared()));
}

// Dead peers.

TEST(PeerWords, ASilentPeersLastWordHoldsUntilItIsDeclaredDead) {
  TestWorld world = silent_since({"web1"});
  const Held last_word = held(world, on_local());
  EXPECT_EQ(last_word.reason, Hold::runs_elsewhere);
  EXPECT_EQ(last_word.detail, "it was active on node2 when that last answered: no answer in time");
  EXPECT_EQ(last_word.opens_with, "upkeep peer declare-dead node2");
  declare_node2_dead(world);
  EXPECT_TRUE(is_open(world, on_local()));
}

TEST(PeerWords, ADeadPeerIsNotWaitedForOnSharedStorage) {
  TestWorld world = silent_since({});
  const Held silent = held(world, on_shared());
  EXPECT_EQ(silent.reason, Hold::stale_peers);
  EXPECT_EQ(silent.opens_with, "upkeep peer declare-dead node2");
  declare_node2_dead(world);
  EXPECT_TRUE(is_open(world, on_shared()));
  world.peer("node3");
  world.snapshot.peers.back().facts.reading = fail(Errc::timed_out, "no answer");
  EXPECT_EQ(held(world, on_shared()).reason, Hold::may_run_elsewhere) << "node3 is not dead";
}

TEST(PeerWords, WhoAnswersIsNotDead) {
  TestWorld world;
  world.peer("node2", {"web1"});
  EXPECT_EQ(held(world, on_local()).opens_with, "");
  declare_node2_dead(world);
  EXPECT_EQ(held(world, on_local()).reason, Hold::runs_elsewhere);

  TestWorld half = silent_since({"web1"});
  declare_node2_dead(half);
  half.snapshot.peers.back().heard = half.now - 15s;
  EXPECT_EQ(held(half, on_local()).reason, Hold::runs_elsewhere)
      << "it answers, only not with what is asked";
  EXPECT_EQ(held(half, on_local()).opens_with, "");
  half.snapshot.peers.back().heard = half.now - 16s;
  EXPECT_TRUE(is_open(half, on_local()));
}

TEST(PeerWords, AWordFromBeforeThisNodeOrDaemonCouldListenDoesNotCount) {
  TestWorld world = silent_since({"web1"});
  declare_node2_dead(world);
  ASSERT_TRUE(is_open(world, on_local()));
  TestWorld booted = world;
  booted.snapshot.node.reading->boot_time = test::kWall + 1s;
  EXPECT_FALSE(is_open(booted, on_local())) << "node2 may have come back while this one was off";
  booted.snapshot.node.reading = fail(Errc::unavailable, "unread");
  EXPECT_FALSE(is_open(booted, on_local()));
  TestWorld clock_set_back = world;
  Standing& word =
      clock_set_back.history.standings.at({Standing::Kind::peer_dead, std::string("node2")});
  word.boot = {"boot-0"};
  EXPECT_FALSE(is_open(clock_set_back, on_local())) << "said in another boot, whatever the time";
  word.boot = {"boot-1"};
  clock_set_back.snapshot.node.reading->boot_time = test::kWall + 1h;
  EXPECT_TRUE(is_open(clock_set_back, on_local())) << "the clock was set, and nothing else";
  TestWorld restarted = world;
  restarted.history.started = world.now - 14s;
  EXPECT_FALSE(is_open(restarted, on_local())) << "nobody has listened for long enough";
  restarted.history.started = world.now - 15s;
  EXPECT_TRUE(is_open(restarted, on_local()));
  TestWorld unasked = world;
  unasked.snapshot.peers.back().error.reset();
  EXPECT_FALSE(is_open(unasked, on_local())) << "nobody has tried to reach it";
}

TEST(PeerWords, NobodyIsToldToBuryWhomDrbdIsConnectedTo) {
  TestWorld world = silent_since({"web1"});
  world.with(a_resource("r0", 1));
  EXPECT_EQ(held(world, on_local()).opens_with, "");
  DrbdResource named_in_full = a_resource("r0", 1);
  named_in_full.peers.front().name = {"node2.example"};
  EXPECT_EQ(held(world.with(named_in_full), on_local()).opens_with, "");
}

TEST(PeerWords, WhyAPeerSaysNothingIsInTheSentence) {
  TestWorld world;
  world.peer("node2");
  world.snapshot.peers.back().facts.reading = fail(Errc::invalid, "");
  world.snapshot.peers.back().error = Error{Errc::invalid, "answers as node1"};
  EXPECT_THAT(held(world, on_shared()).detail, HasSubstr("answers as node1"));
}

// Moved away, and wanted back.

TEST(PeerWords, WhatMovedAwayComesBackOnlyWhenEveryPeerHasSaidNo) {
  TestWorld world;
  world.peer("node2");
  world.unwanted("web1", StopCause::moved_away).marked("web1", Keep::up);
  EXPECT_TRUE(is_open(world, on_local()));
  world.snapshot.peers.back().facts.reading = fail(Errc::timed_out, "no answer");
  world.snapshot.peers.back().error = Error{Errc::timed_out, "no answer"};
  const Held restarted = held(world, on_local());
  EXPECT_EQ(restarted.reason, Hold::may_run_elsewhere)
      << "a daemon that was restarted has not heard it yet";
  EXPECT_THAT(restarted.detail, HasSubstr("it moved to another node"));
  EXPECT_EQ(restarted.opens_with, "upkeep peer declare-dead node2");
  TestWorld dead = world;
  declare_node2_dead(dead);
  EXPECT_TRUE(is_open(dead, on_local()));
  world.wanted("web1", StopCause::crashed);
  EXPECT_TRUE(is_open(world, on_local())) << "it ran here last";
}

}  // namespace
}  // namespace upkeep
