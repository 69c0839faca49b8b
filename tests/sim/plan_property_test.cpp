#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "remediation/plan.h"
#include "tests/support/drawn_pace.h"
#include "tests/support/lone_survivor.h"
#include "tests/support/lost_disks.h"
#include "tests/support/plan_auditor.h"
#include "tests/support/random_world.h"

namespace upkeep {
namespace {

using test::Random;
using test::TestWorld;

constexpr std::uint64_t kWorlds = 20'000;

TestWorld a_world(Random& random) {
  TestWorld world = test::random_world(random);
  test::draw_lost_disks(random, world);
  test::draw_lone_survivor(random, world);
  test::draw_pace(random, world);
  test::draw_monitors(random, world);
  return world;
}

std::set<std::string> acts_of(const Plan& plan) {
  std::set<std::string> acts;
  for (const Decision& one : plan.decisions) {
    if (!hold_of(one)) acts.insert(to_string(one.finding.subject));
  }
  return acts;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

/// The world as it would be if one source had failed or gone silent.
TestWorld with_a_reading_less(TestWorld world, std::uint64_t which) {
  constexpr auto kLong = std::chrono::hours(1);
  switch (which % 8) {
    case 0: world.snapshot.vms.reading = fail(Errc::unavailable, "gone"); break;
    case 1: world.snapshot.vms.at -= kLong; break;
    case 2: world.snapshot.drbd.reading = fail(Errc::unavailable, "gone"); break;
    case 3: world.snapshot.drbd.at -= kLong; break;
    case 4: world.snapshot.node.reading = fail(Errc::unavailable, "gone"); break;
    case 5: world.snapshot.node.at -= kLong; break;
    case 6: world.history.journal_ok = false; break;
    default:  // A peer that falls silent keeps what it said last.
      for (Peer& peer : world.snapshot.peers) peer.facts.at -= kLong;
  }
  return world;
}

bool is_burial(const Standings::value_type& said) {
  return said.first.first == Standing::Kind::peer_dead;
}
bool says_dead(const TestWorld& world) {
  return std::ranges::any_of(world.history.standings, is_burial);
}

/// Held only because something else goes first, which is safe to do otherwise.
bool is_about_others(const Decision& decision) {
  const auto hold = hold_of(decision);
  return hold == Hold::in_flight || hold == Hold::waits_for_tier || hold == Hold::waits_for_vm ||
         hold == Hold::no_start_slot || hold == Hold::budget_spent;
}

/// What became busy may free what waited for it; everything else must not appear.
bool takes_only_away(const Plan& whole, const Plan& less) {
  const auto before = acts_of(whole);
  for (const Decision& one : less.decisions) {
    if (hold_of(one) || before.contains(to_string(one.finding.subject))) continue;
    const auto same = std::ranges::find_if(whole.decisions, [&](const Decision& other) {
      return other.finding.subject == one.finding.subject && other.finding.rule == one.finding.rule;
    });
    if (same == whole.decisions.end() || !is_about_others(*same)) return false;
  }
  return true;
}

/// True when nothing but a person's word, or the configuration after a silence, lets the VM start.
bool starts_by_word(const Vm& vm, const TestWorld& world) {
  TestWorld unsaid = world;
  unsaid.history.standings.clear();
  unsaid.policy.allow_degraded_after.reset();
  return !test::audited_storage_open(vm, unsaid.view());
}

TEST(PlanProperties, HoldInEveryRandomWorld) {
  std::size_t acts = 0;
  std::size_t would_acts = 0;
  std::map<Hold, std::size_t> holds;
  std::map<std::string_view, std::size_t> actions;
  std::size_t by_word = 0;
  for (std::uint64_t seed = 1; seed <= kWorlds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const TestWorld world = a_world(random);
    const Plan plan = upkeep::plan(world.view());
    const auto faults = test::faults_of(plan, world.view());
    ASSERT_TRUE(faults.empty()) << joined(faults);
    const Plan again = upkeep::plan(world.view());
    ASSERT_EQ(again.decisions, plan.decisions);
    ASSERT_EQ(again.next_look, plan.next_look);
    const TestWorld turned = test::shuffled(world, random);
    ASSERT_EQ(upkeep::plan(turned.view()).decisions, plan.decisions);
    TestWorld less = with_a_reading_less(world, seed);
    if (less.policy.allow_degraded_after || says_dead(less)) {
      // A peer's silence is what these wait for: what it lets start is audited by itself.
      const auto less_faults = test::faults_of(upkeep::plan(less.view()), less.view());
      ASSERT_TRUE(less_faults.empty()) << joined(less_faults);
      less.policy.allow_degraded_after.reset();
      std::erase_if(less.history.standings, is_burial);
    }
    ASSERT_TRUE(takes_only_away(plan, upkeep::plan(less.view())));
    for (const Decision& one : plan.decisions) {
      if (const auto hold = hold_of(one)) ++holds[*hold];
      if (const auto* act = std::get_if<Act>(&one.verdict)) {
        ++acts;
        ++actions[name_of(act->action)];
        const auto* start = std::get_if<StartVm>(&act->action);
        if (start != nullptr && starts_by_word(*find_vm(world.snapshot, start->uuid), world)) {
          ++by_word;
        }
      }
      would_acts += std::holds_alternative<WouldAct>(one.verdict) ? 1U : 0U;
    }
  }
  EXPECT_GT(acts, kWorlds / 20);
  EXPECT_GT(would_acts, kWorlds / 100);
  EXPECT_GT(by_word, 20U);
  for (const auto name : all_action_names()) {
    // What gives up data is only ever a person's order; among the worlds are many split brains.
    if (name == "resolve_split_brain") {
      EXPECT_EQ(actions[name], 0U);
    } else {
      EXPECT_GT(actions[name], 20U) << name;
    }
  }
  // Decided elsewhere: by the executor's dry run, by its last look.
  const std::set<Hold> elsewhere{Hold::unsafe_adjust, Hold::facts_changed, Hold::disk_unreadable};
  for (const Hold hold : all_holds()) {
    EXPECT_EQ(holds[hold] > 0, !elsewhere.contains(hold)) << to_string(hold);
  }
}

TEST(PlanProperties, TheLastLookAgreesWithThePlan) {
  std::size_t agreed = 0;
  std::size_t refused = 0;
  for (std::uint64_t seed = 1; seed <= kWorlds / 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    TestWorld world = a_world(random);
    world.policy.mode = Mode::act;
    for (const Decision& one : upkeep::plan(world.view()).decisions) {
      const auto* act = std::get_if<Act>(&one.verdict);
      if (act == nullptr) continue;
      ASSERT_FALSE(judge_again(one.finding, act->action, world.view()));
      ++agreed;
      // Somewhere else the same action is refused unless that world would allow it too.
      TestWorld other = a_world(random);
      other.policy.mode = Mode::act;
      const auto held = judge_again(one.finding, act->action, other.view());
      const Vm* vm = find_vm(other.snapshot, VmName{one.finding.subject.name});
      if (held) {
        ++refused;
      } else if (std::holds_alternative<StartVm>(act->action)) {
        ASSERT_NE(vm, nullptr);
        ASSERT_TRUE(test::audited_storage_open(*vm, other.view()));
      } else if (std::holds_alternative<ResumeVm>(act->action)) {
        ASSERT_NE(vm, nullptr);
        ASSERT_EQ(vm->reason, VmReason::io_error);
      } else if (const auto* reattach = std::get_if<ReattachDisk>(&act->action)) {
        ASSERT_NE(vm, nullptr);
        ASSERT_TRUE(test::audited_reattach(*vm, reattach->disk, other.view()));
      }
    }
  }
  EXPECT_GT(agreed, 500U);
  EXPECT_GT(refused, 300U);
}

}  // namespace
}  // namespace upkeep
