#include "app/cli/offline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "app/cli/render.h"

namespace upkeep::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;

const WallTime kThen{1772334764s};  // 2026-03-01 03:12:44 UTC

/// web1 ran, web2 was stopped on purpose, db1 is marked and latched, r0 was tried in vain.
JournalState journal() {
  JournalState state;
  const auto add = [&](const char* uuid, const char* name) -> Intent& {
    Intent& intent = state.intents[VmUuid{uuid}];
    intent.uuid = {uuid};
    intent.name = {name};
    intent.changed = kThen;
    return intent;
  };
  Intent& web1 = add("u-1", "web1");
  web1.wanted = true;
  web1.last_stop = StopCause::none;
  Intent& web2 = add("u-2", "web2");
  web2.last_stop = StopCause::operator_destroy;
  web2.last_stop_detail = "event stopped_destroyed";
  Intent& db1 = add("u-0", "db1");
  db1.last_stop = StopCause::crashed;
  db1.mark = Mark{.keep = Keep::up, .by = "anna", .reason = "customer", .at = kThen};

  TargetRecord latched;
  latched.target = {Target::Kind::vm, "db1"};
  latched.in_row = 5;
  latched.latched_since = kThen;
  latched.last_end = kThen;
  latched.last_outcome = Outcome{
      .kind = Outcome::Kind::failed, .reason = "storage", .detail = "start VM 'db1': no such file"};
  state.targets.push_back(latched);
  TargetRecord resource;
  resource.target = {Target::Kind::resource, "r0"};
  state.targets.push_back(resource);
  state.resources[ResourceName{"r1"}] = {};
  state.last_heartbeat = kThen + 10s;
  BootRecord boot;
  boot.id = {"b-1"};
  boot.booted = kThen - 60s;
  boot.previous_shutdown = PreviousShutdown::unclean;
  boot.downtime = Seconds(91.5);
  state.boots.push_back(boot);
  return state;
}

Config config() {
  Config config;
  config.node = "node1";
  return config;
}

TEST(OfflineStatus, KnowsWhatIsWantedAndNothingOfStates) {
  const json status = offline_status(journal(), config());
  EXPECT_EQ(status.at("offline"), true);
  EXPECT_EQ(status.at("node"), "node1");
  EXPECT_TRUE(status.at("drbd").is_null());
  const json& vms = status.at("vms");
  ASSERT_EQ(vms.size(), 3U);
  EXPECT_EQ(vms[0].at("name"), "db1");  // by name
  EXPECT_EQ(vms[0].at("wanted"), "up");
  EXPECT_EQ(vms[0].at("authority"), "mark");
  EXPECT_EQ(vms[0].at("latched"), true);
  EXPECT_EQ(vms[1].at("name"), "web1");
  EXPECT_EQ(vms[1].at("wanted"), "up");
  EXPECT_EQ(vms[1].at("authority"), "auto");
  EXPECT_EQ(vms[2].at("wanted"), "down");
  EXPECT_EQ(vms[2].at("intent").at("last_stop"), "operator_destroy");
  for (const json& vm : vms) {
    EXPECT_EQ(vm.at("state"), "unknown");
    EXPECT_TRUE(vm.at("up").is_null());
  }
  EXPECT_EQ(status.at("boot").at("downtime_seconds"), 91.5);
}

TEST(OfflineStatus, TheConfigurationHasItsSay) {
  Config config;
  config.vms.push_back({.match = "web*", .keep = Keep::ignore});
  const json status = offline_status(journal(), config);
  EXPECT_EQ(status.at("vms")[0].at("wanted"), "up");  // a mark goes before it
  EXPECT_EQ(status.at("vms")[1].at("wanted"), "ignore");
  EXPECT_EQ(status.at("vms")[1].at("authority"), "config");
}

TEST(OfflineStatus, IsRenderedAsNotRunning) {
  const std::string text = render_status(offline_status(journal(), config()), {.colour = false});
  EXPECT_THAT(text, HasSubstr("upkeep is not running"));
  EXPECT_THAT(text, HasSubstr("web1  unknown  up"));
}

TEST(OfflineStatus, OfAnEmptyJournalIsEmpty) {
  const json status = offline_status(JournalState{}, config());
  EXPECT_EQ(status.at("vms"), json::array());
  EXPECT_TRUE(status.at("boot").is_null());
  EXPECT_TRUE(status.at("last_heartbeat_at").is_null());
}

TEST(ResolveTarget, TakesABareName) {
  const JournalState state = journal();
  EXPECT_EQ(resolve_target("web1", state), (Target{Target::Kind::vm, "web1"}));
  EXPECT_EQ(resolve_target("r0", state), (Target{Target::Kind::resource, "r0"}));
  EXPECT_EQ(resolve_target("r1", state), (Target{Target::Kind::resource, "r1"}));
  EXPECT_EQ(resolve_target("resource/x", state), (Target{Target::Kind::resource, "x"}));
  const auto unknown = resolve_target("wbe1", state);
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code, Errc::not_found);
  EXPECT_THAT(unknown.error().message, HasSubstr("(did you mean 'web1'?)"));
}

TEST(OfflineWhy, SaysThatNothingIsDone) {
  const auto why = offline_why("web2", journal(), config());
  ASSERT_TRUE(why.has_value()) << why.error().message;
  EXPECT_EQ(why->at("target"), "vm/web2");
  EXPECT_THAT(why->at("headline").get<std::string>(), HasSubstr("upkeep is not running"));
  const auto facts = why->at("facts").get<std::vector<std::string>>();
  EXPECT_THAT(facts, Contains("wanted: down (auto)"));
  EXPECT_THAT(facts, Contains(HasSubstr("operator_destroy (event stopped_destroyed)")));
  EXPECT_THAT(facts, Contains(HasSubstr("upkeep was last alive")));
}

TEST(OfflineWhy, NamesMarkLatchAndLastTry) {
  const auto why = offline_why("vm/db1", journal(), config());
  ASSERT_TRUE(why.has_value());
  const auto facts = why->at("facts").get<std::vector<std::string>>();
  EXPECT_THAT(facts, Contains(HasSubstr("marked by anna")));
  EXPECT_THAT(facts, Contains(HasSubstr("customer")));
  EXPECT_THAT(facts, Contains(HasSubstr("latched since")));
  EXPECT_THAT(facts, Contains(HasSubstr("the last try failed: start VM 'db1': no such file")));
}

TEST(OfflineWhy, NamesAnActionThatWasCutShort) {
  JournalState state = journal();
  ActionRecord action;
  action.action = StartVm{.vm = {"web1"}, .uuid = {"u-1"}};
  action.begun = kThen;
  state.unfinished.push_back(action);
  const auto why = offline_why("web1", state, config());
  ASSERT_TRUE(why.has_value());
  EXPECT_THAT(why->at("facts").get<std::vector<std::string>>(),
              Contains(HasSubstr("start_vm begun on")));
  // … and it is nobody else's.
  const auto other = offline_why("web2", state, config());
  ASSERT_TRUE(other.has_value());
  EXPECT_THAT(other->at("facts").get<std::vector<std::string>>(),
              ::testing::Not(Contains(HasSubstr("start_vm"))));
}

TEST(OfflineWhy, KnowsOnlyWhatIsOnRecord) {
  for (const char* target : {"vm/web9", "resource/r9", "nothing"}) {
    const auto why = offline_why(target, journal(), config());
    ASSERT_FALSE(why.has_value()) << target;
    EXPECT_EQ(why.error().code, Errc::not_found);
  }
  EXPECT_TRUE(offline_why("resource/r0", journal(), config()).has_value());
  EXPECT_TRUE(offline_why("resource/r1", journal(), config()).has_value());
}

TEST(OfflineHistory, HasTheShapeOfTheApi) {
  HistoryEntry entry;
  entry.at = kThen;
  entry.kind = "end";
  entry.target = "vm/web1";
  entry.text = "start_vm succeeded in 0.3 s";
  entry.action_id = 17;
  HistoryEntry node;
  node.at = kThen;
  node.kind = "boot";
  const json history = offline_history({entry, node});
  EXPECT_EQ(history.at("entries")[0], (json{{"at", "2026-03-01T03:12:44.000Z"},
                                            {"kind", "end"},
                                            {"target", "vm/web1"},
                                            {"text", "start_vm succeeded in 0.3 s"},
                                            {"action_id", 17}}));
  EXPECT_TRUE(history.at("entries")[1].at("target").is_null());
  EXPECT_TRUE(history.at("entries")[1].at("action_id").is_null());
}

}  // namespace
}  // namespace upkeep::cli
