#include "app/cli/offline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "app/cli/render.h"
#include "app/cli/times.h"

namespace upkeep::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

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

/// A minute after the last that the journal knows, in the boot that it knows.
const Reader kReader{.now = kThen + 70s, .boot = {"b-1"}};

/// By anna, on kThen.
void say(JournalState& state, Standing::Kind kind, const std::string& subject,
         std::optional<WallTime> until = std::nullopt) {
  state.standings[{kind, subject}] = {.kind = kind,
                                      .subject = subject,
                                      .by = "anna",
                                      .reason = "new disk",
                                      .at = kThen,
                                      .until = until};
}

std::vector<std::string> declared(const JournalState& state, const Reader& reader) {
  std::vector<std::string> shown;
  const json status = offline_status(state, config(), reader);
  for (const json& one : status.at("declared")) {
    shown.push_back(one.at("what").get<std::string>() + " " + one.at("subject").get<std::string>());
  }
  return shown;
}

TEST(OfflineStatus, KnowsWhatIsWantedAndNothingOfStates) {
  const json status = offline_status(journal(), config(), kReader);
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
  const json status = offline_status(journal(), config, kReader);
  EXPECT_EQ(status.at("vms")[0].at("wanted"), "up");  // a mark goes before it
  EXPECT_EQ(status.at("vms")[1].at("wanted"), "ignore");
  EXPECT_EQ(status.at("vms")[1].at("authority"), "config");
}

TEST(OfflineStatus, ShowsWhatPersonsSaidAsTheDaemonDoes) {
  JournalState state = journal();
  EXPECT_EQ(offline_status(state, config(), kReader).at("declared"), json::array());
  say(state, Standing::Kind::paused, "node");
  say(state, Standing::Kind::paused, "vm/u-1", kThen + 2h);
  say(state, Standing::Kind::paused, "resource/r0");
  say(state, Standing::Kind::maintenance, "b-1");
  say(state, Standing::Kind::peer_dead, "node2");
  say(state, Standing::Kind::allow_degraded, "u-2");
  say(state, Standing::Kind::disk_lost, "u-2/vda");
  EXPECT_THAT(
      declared(state, kReader),
      UnorderedElementsAre("paused node", "paused vm/web1", "paused resource/r0",
                           "maintenance node", "peer_dead peer/node2", "allow_degraded vm/web2"));
  const json status = offline_status(state, config(), kReader);
  EXPECT_THAT(status.at("declared"), Contains(json{{"what", "paused"},
                                                   {"subject", "vm/web1"},
                                                   {"by", "anna"},
                                                   {"reason", "new disk"},
                                                   {"at", "2026-03-01T03:12:44.000Z"},
                                                   {"until", "2026-03-01T05:12:44.000Z"}}));
  const std::string text = render_status(status, {.colour = false});
  EXPECT_THAT(text, HasSubstr("vm/web1 is paused until " + local_time(kThen + 2h) + " (anna, " +
                              local_time(kThen) + "): new disk"));
  EXPECT_THAT(text, HasSubstr("node is in maintenance until it boots again (anna, "));
}

TEST(OfflineStatus, APauseWhoseTimeIsOverIsNotShown) {
  JournalState state = journal();
  say(state, Standing::Kind::paused, "node", kThen + 2h);
  EXPECT_THAT(declared(state, {.now = kThen + 2h - 1s}), ElementsAre("paused node"));
  EXPECT_THAT(declared(state, {.now = kThen + 2h}), IsEmpty());
  EXPECT_THAT(declared(state, {.now = kThen - 24h}), ElementsAre("paused node"))
      << "a clock that was set back";
  say(state, Standing::Kind::allow_degraded, "u-2");
  EXPECT_THAT(declared(state, {.now = kThen + 2h - 1s}), Contains("allow_degraded vm/web2"));
  EXPECT_THAT(declared(state, {.now = kThen + 2h}), IsEmpty());
}

TEST(OfflineStatus, MaintenanceIsOverInAnotherBootOnly) {
  JournalState state = journal();
  say(state, Standing::Kind::maintenance, "b-1");
  EXPECT_THAT(declared(state, {.now = kThen + 240h, .boot = {"b-1"}}),
              ElementsAre("maintenance node"));
  EXPECT_THAT(declared(state, {.now = kThen}), ElementsAre("maintenance node"))
      << "which boot this is isn't known";
  EXPECT_THAT(declared(state, {.now = kThen, .boot = {"b-2"}}), IsEmpty());
}

TEST(OfflineWhy, NamesWhatIsPausedOverIt) {
  JournalState state = journal();
  say(state, Standing::Kind::paused, "vm/u-1", kThen + 2h);
  const auto facts_of = [&](const char* target) {
    const auto why = offline_why(target, state, config(), kReader);
    return why ? why->at("facts").get<std::vector<std::string>>() : std::vector<std::string>{};
  };
  EXPECT_THAT(facts_of("web1"), Contains(HasSubstr("vm/web1 is paused by anna: new disk, until ")));
  EXPECT_THAT(facts_of("web2"), Not(Contains(HasSubstr("is paused"))));
  say(state, Standing::Kind::paused, "node");
  EXPECT_THAT(facts_of("web2"), Contains(HasSubstr("the node is paused by anna")));
  EXPECT_THAT(facts_of("r0"), Contains(HasSubstr("the node is paused by anna")));
}

TEST(OfflineStatus, IsRenderedAsNotRunning) {
  const std::string text =
      render_status(offline_status(journal(), config(), kReader), {.colour = false});
  EXPECT_THAT(text, HasSubstr("upkeep is not running"));
  EXPECT_THAT(text, HasSubstr("web1  unknown  up"));
}

TEST(OfflineStatus, OfAnEmptyJournalIsEmpty) {
  const json status = offline_status(JournalState{}, config(), kReader);
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
  const auto why = offline_why("web2", journal(), config(), kReader);
  ASSERT_TRUE(why.has_value()) << why.error().message;
  EXPECT_EQ(why->at("target"), "vm/web2");
  EXPECT_THAT(why->at("headline").get<std::string>(), HasSubstr("upkeep is not running"));
  const auto facts = why->at("facts").get<std::vector<std::string>>();
  EXPECT_THAT(facts, Contains("wanted: down (auto)"));
  EXPECT_THAT(facts, Contains(HasSubstr("operator_destroy (event stopped_destroyed)")));
  EXPECT_THAT(facts, Contains(HasSubstr("upkeep was last alive")));
}

TEST(OfflineWhy, NamesMarkLatchAndLastTry) {
  const auto why = offline_why("vm/db1", journal(), config(), kReader);
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
  const auto why = offline_why("web1", state, config(), kReader);
  ASSERT_TRUE(why.has_value());
  EXPECT_THAT(why->at("facts").get<std::vector<std::string>>(),
              Contains(HasSubstr("start_vm begun on")));
  // … and it is nobody else's.
  const auto other = offline_why("web2", state, config(), kReader);
  ASSERT_TRUE(other.has_value());
  EXPECT_THAT(other->at("facts").get<std::vector<std::string>>(),
              Not(Contains(HasSubstr("start_vm"))));
}

TEST(OfflineWhy, KnowsOnlyWhatIsOnRecord) {
  for (const char* target : {"vm/web9", "resource/r9", "nothing"}) {
    const auto why = offline_why(target, journal(), config(), kReader);
    ASSERT_FALSE(why.has_value()) << target;
    EXPECT_EQ(why.error().code, Errc::not_found);
  }
  EXPECT_TRUE(offline_why("resource/r0", journal(), config(), kReader).has_value());
  EXPECT_TRUE(offline_why("resource/r1", journal(), config(), kReader).has_value());
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
