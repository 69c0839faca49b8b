#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "app/web/answers.h"
#include "tests/unit/app/web/web_world.h"

namespace upkeep::web {
namespace {

using nlohmann::json;
using test::a_resource;
using test::a_vm;
using test::kNow;
using namespace std::chrono_literals;

json status(WebWorld& web) { return json::parse(status_json(web.moment())); }

TEST(StatusJson, SaysWhoAnswersAndWhen) {
  WebWorld web;
  const json answer = status(web);
  EXPECT_EQ(answer["node"], "node1");
  EXPECT_EQ(answer["version"], "0.1.0");
  EXPECT_EQ(answer["revision"], "abc");
  EXPECT_EQ(answer["mode"], "act");
  EXPECT_EQ(answer["at"], "2026-11-22T03:12:04.000Z");
  EXPECT_EQ(answer["started_at"], "2026-11-22T03:11:22.000Z");
  EXPECT_EQ(answer["ready"], true);
  EXPECT_TRUE(status_json(web.moment()).ends_with("}\n"));
}

TEST(StatusJson, SaysWhichBootThisIs) {
  WebWorld web;
  web.view.boots = {{.id = {"boot-1"},
                     .previous_shutdown = PreviousShutdown::unclean,
                     .downtime = Seconds(91.5)}};
  const json boot = status(web)["boot"];
  EXPECT_EQ(boot["id"], "boot-1");
  EXPECT_EQ(boot["booted_at"], "2026-11-22T02:12:04.000Z");
  EXPECT_EQ(boot["previous_shutdown"], "unclean") << "the journal's word, not wtmp's unknown";
  EXPECT_EQ(boot["downtime_seconds"], 91.5);
  EXPECT_EQ(boot["load1"], 0.5);
  EXPECT_EQ(boot["cores"], 8);
  EXPECT_EQ(boot["shutting_down"], false);
}

TEST(StatusJson, SaysOfABootThatIsNotKnownNothing) {
  WebWorld web;
  web.world.snapshot.node.reading = fail(Errc::failed, "no /proc");
  const json boot = status(web)["boot"];
  for (const auto& [key, value] : boot.items()) EXPECT_TRUE(value.is_null()) << key;
  EXPECT_EQ(boot.size(), 7U);
}

TEST(StatusJson, ShowsWhatPersonsSaidThatStillHolds) {
  WebWorld web;
  EXPECT_EQ(status(web)["declared"], json::array());
  Standings& said = web.world.history.standings;
  const auto say = [&](Standing::Kind kind, const std::string& subject) {
    said[{kind, subject}] = {
        .kind = kind, .subject = subject, .by = "anna", .reason = "", .at = test::kWall};
  };
  web.world.wanted("web1");
  say(Standing::Kind::allow_degraded, test::uuid_of("web1"));
  say(Standing::Kind::peer_dead, "node2");
  say(Standing::Kind::disk_lost, test::uuid_of("web1") + "/vda");
  const json declared = status(web)["declared"];
  ASSERT_EQ(declared.size(), 2U);
  EXPECT_EQ(declared[0], (json{{"what", "allow_degraded"},
                               {"subject", "vm/web1"},
                               {"by", "anna"},
                               {"reason", nullptr},
                               {"at", "2026-11-22T03:12:04.000Z"},
                               {"until", nullptr}}));
  EXPECT_EQ(declared[1]["subject"], "peer/node2");
}

TEST(StatusJson, ShowsWhatIsPaused) {
  WebWorld web;
  web.world.wanted("web1");
  Standings& said = web.world.history.standings;
  const auto say = [&](Standing::Kind kind, const std::string& subject) {
    said[{kind, subject}] = {.kind = kind,
                             .subject = subject,
                             .by = "anna",
                             .reason = "",
                             .at = test::kWall,
                             .until = test::kWall + 1h};
  };
  say(Standing::Kind::paused, "node");
  say(Standing::Kind::paused, "resource/r0");
  say(Standing::Kind::paused, "vm/" + test::uuid_of("web1"));
  say(Standing::Kind::paused, "vm/gone-for-good");
  say(Standing::Kind::maintenance, "boot-1");
  std::vector<std::string> shown;
  const json declared = status(web)["declared"];
  for (const json& one : declared) {
    shown.push_back(one["what"].get<std::string>() + " " + one["subject"].get<std::string>());
    EXPECT_EQ(one["until"], "2026-11-22T04:12:04.000Z");
  }
  EXPECT_THAT(shown,
              testing::UnorderedElementsAre("paused node", "paused resource/r0", "paused vm/web1",
                                            "paused vm/gone-for-good", "maintenance node"));
}

TEST(PlanJson, SaysWhatModeActWouldDo) {
  WebWorld web;
  web.world.policy.mode = Mode::observe;
  web.world.with(test::a_vm("web1").crashed()).wanted("web1");
  web.world.confirmed("vm_down", test::vm_target("web1"));
  web.world.with(test::a_vm("web2").crashed()).wanted("web2");
  web.world.confirmed("vm_down", test::vm_target("web2"));
  const Standing paused{
      .kind = Standing::Kind::paused, .subject = "vm/" + test::uuid_of("web2"), .by = "anna"};
  web.world.history.standings[key_of(paused)] = paused;
  const json answer = json::parse(plan_json(web.moment()));
  EXPECT_EQ(answer["mode"], "observe");
  const json* web1 = nullptr;
  const json* web2 = nullptr;
  for (const json& one : answer["decisions"]) {
    if (one["rule"] != "vm_down") continue;
    if (one["target"] == "vm/web1") web1 = &one;
    if (one["target"] == "vm/web2") web2 = &one;
  }
  ASSERT_TRUE(web1 != nullptr && web2 != nullptr) << answer.dump(2);
  EXPECT_EQ((*web1)["verdict"], "would_act");
  EXPECT_EQ((*web1)["action"], "start_vm");
  EXPECT_EQ((*web2)["verdict"], "hold");
  EXPECT_EQ((*web2)["hold"], "paused");
  EXPECT_EQ((*web2)["opens_with"], "upkeep resume vm/web2");
}

TEST(PlanJson, IsEmptyBeforeTheFirstLook) {
  WebWorld web;
  Moment moment = web.moment();
  moment.view = nullptr;
  EXPECT_EQ(json::parse(plan_json(moment))["decisions"], json::array());
}

TEST(StatusJson, ShowsSourcesAndTheirTroubles) {
  WebWorld web;
  web.lose_libvirt();
  web.world.now += 2s;
  const json answer = status(web);
  const json& libvirt = answer["sources"][0];
  EXPECT_EQ(libvirt["name"], "libvirt");
  EXPECT_EQ(libvirt["up"], false);
  EXPECT_EQ(libvirt["error"], "libvirtd is gone");
  EXPECT_EQ(libvirt["age_seconds"], 2.0);
  const json& drbd = answer["sources"][1];
  EXPECT_EQ(drbd["name"], "drbd");
  EXPECT_EQ(drbd["up"], true);
  EXPECT_TRUE(drbd["error"].is_null());
}

TEST(StatusJson, GivesNoAgeToAnAnswerThatNeverCame) {
  WebWorld web;
  web.world.snapshot.vms.reading = fail(Errc::unavailable, "libvirtd is gone");
  EXPECT_TRUE(status(web)["sources"][0]["age_seconds"].is_null());
}

TEST(StatusJson, ShowsAVm) {
  WebWorld web;
  web.world.with(a_resource("r0", 5));
  web.world.with(a_vm("web1").on_drbd(5).autostart()).wanted("web1");
  auto& line = web.world.history.intents.begin()->second;
  line.last_stop_detail = "event stopped_crashed";
  line.changed = test::kWall - 10s;
  line.mark = Mark{.keep = Keep::up, .by = "anna", .reason = "customer", .at = test::kWall - 20s};
  const json vm = status(web)["vms"][0];
  EXPECT_EQ(vm["name"], "web1");
  EXPECT_EQ(vm["uuid"], test::uuid_of("web1"));
  EXPECT_EQ(vm["state"], "running");
  EXPECT_EQ(vm["up"], true);
  EXPECT_TRUE(vm["healthy"].is_null()) << "it has no check";
  EXPECT_TRUE(vm["health"].is_null());
  EXPECT_EQ(vm["wanted"], "up");
  EXPECT_EQ(vm["authority"], "mark");
  EXPECT_EQ(vm["autostart"], true);
  EXPECT_EQ(vm["intent"]["known"], true);
  EXPECT_EQ(vm["intent"]["wanted"], true);
  EXPECT_EQ(vm["intent"]["last_stop"], "crashed");
  EXPECT_EQ(vm["intent"]["detail"], "event stopped_crashed");
  EXPECT_EQ(vm["intent"]["changed_at"], "2026-11-22T03:11:54.000Z");
  EXPECT_EQ(vm["intent"]["mark"]["by"], "anna");
  EXPECT_EQ(vm["intent"]["mark"]["keep"], "up");
  EXPECT_EQ(vm["intent"]["mark"]["at"], "2026-11-22T03:11:44.000Z");
  EXPECT_TRUE(vm["decision"].is_null());
  EXPECT_EQ(vm["decisions"], json::array());
  EXPECT_EQ(vm["latched"], false);
  EXPECT_EQ(vm["attempts"]["last_hour"], 0);
  EXPECT_EQ(vm["disks"][0]["target"], "vda");
  EXPECT_EQ(vm["disks"][0]["backing"], "drbd");
  EXPECT_EQ(vm["disks"][0]["drbd_minors"], json::array({5}));
  EXPECT_EQ(vm["disks"][0]["resources"], json::array({"r0"}));
}

TEST(StatusJson, SaysWhatARunningGuestWaitsFor) {
  WebWorld web;
  web.world.with(a_vm("db1")).wanted("db1", StopCause::none);
  web.world.vm_policy({.match = "db*", .health = {.kind = HealthCheck::Kind::agent}});
  EXPECT_EQ(status(web)["vms"][0]["health"], "not healthy yet: not checked yet");
  EXPECT_TRUE(status(web)["vms"][0]["healthy"].is_null());
  VmHealth health{.healthy = false, .detail = "no answer", .at = web.world.now};
  const auto says = [&] {
    web.world.snapshot.health =
        std::make_shared<const VmHealths>(VmHealths{{VmUuid{test::uuid_of("db1")}, health}});
    return status(web)["vms"][0];
  };
  EXPECT_EQ(says()["health"], "not healthy yet: no answer");
  EXPECT_EQ(says()["healthy"], false);
  health.verified = web.world.now;
  EXPECT_EQ(says()["health"], "not healthy: no answer") << "it was, in this run";
  health.healthy = true;
  EXPECT_TRUE(says()["health"].is_null());
  EXPECT_EQ(says()["healthy"], true);
}

TEST(StatusJson, SaysThatTheLedgerKnowsNothing) {
  WebWorld web;
  web.world.with(a_vm("new1"));
  EXPECT_EQ(status(web)["vms"][0]["intent"], (json{{"known", false}}));
}

TEST(StatusJson, ShowsAHold) {
  WebWorld web;
  web.world.with(a_vm("web1").crashed()).wanted("web1");
  web.decide({.finding = vm_down("web1", kNow - 15s),
              .verdict = Held{.reason = Hold::backing_off,
                              .detail = "",
                              .opens_with = "upkeep release vm/web1",
                              .retry_at = kNow + 6s}});
  auto& tried = web.world.tried(test::vm_target("web1"));
  tried.attempts = {kNow - 2h, kNow - 10s};
  tried.in_row = 3;
  tried.last_outcome =
      Outcome{.kind = Outcome::Kind::failed, .reason = "storage", .detail = "no such file"};
  tried.latched_since = kNow;
  const json vm = status(web)["vms"][0];
  const json& decision = vm["decision"];
  EXPECT_EQ(decision["rule"], "vm_down");
  EXPECT_EQ(decision["trigger"], "event");
  EXPECT_EQ(decision["verdict"], "hold");
  EXPECT_EQ(decision["hold"], "backing_off");
  EXPECT_EQ(decision["opens_with"], "upkeep release vm/web1");
  EXPECT_EQ(decision["retry_in_seconds"], 6.0);
  EXPECT_EQ(decision["since_seconds"], 15.0);
  EXPECT_EQ(decision["detail"], "crashed (panicked)");
  EXPECT_TRUE(decision["action"].is_null());
  EXPECT_EQ(decision["text"], sentence(web.view.decisions[0], kNow));
  EXPECT_EQ(vm["decisions"].size(), 1U);
  EXPECT_EQ(vm["latched"], true);
  EXPECT_EQ(vm["attempts"]["last_hour"], 1) << "one is two hours old";
  EXPECT_EQ(vm["attempts"]["in_row"], 3);
  EXPECT_EQ(vm["attempts"]["last_outcome"], "failed");
  EXPECT_EQ(vm["attempts"]["last_reason"], "storage");
}

TEST(StatusJson, ShowsAWantedVmThatLibvirtDoesNotList) {
  WebWorld web;
  web.world.with(a_vm("web1")).with(a_vm("web3")).wanted("web2");
  web.decide({.finding = {.rule = "vm_missing",
                          .subject = test::vm_target("web2"),
                          .confirmed = true,
                          .since = kNow,
                          .detail = "not listed by libvirt"},
              .verdict = Held{.reason = Hold::no_remedy, .opens_with = "upkeep mark web2 down"}});
  const json vms = status(web)["vms"];
  ASSERT_EQ(vms.size(), 3U);
  EXPECT_EQ(vms[0]["name"], "web1");
  EXPECT_EQ(vms[1]["name"], "web2");
  EXPECT_EQ(vms[2]["name"], "web3");
  EXPECT_EQ(vms[1]["state"], "unknown");
  EXPECT_TRUE(vms[1]["up"].is_null());
  EXPECT_EQ(vms[1]["wanted"], "up");
  EXPECT_EQ(vms[1]["decision"]["opens_with"], "upkeep mark web2 down");
}

TEST(StatusJson, NeverPromisesARetryInThePast) {
  WebWorld web;
  web.world.with(a_vm("web1").crashed());
  web.decide({.finding = vm_down("web1", kNow),
              .verdict = Held{.reason = Hold::backing_off, .retry_at = kNow - 3s}});
  EXPECT_EQ(status(web)["vms"][0]["decision"]["retry_in_seconds"], 0.0);
}

TEST(StatusJson, ShowsAnAction) {
  WebWorld web;
  web.world.with(a_vm("web1").crashed());
  web.decide({.finding = vm_down("web1", kNow), .verdict = WouldAct{StartVm{.vm = {"web1"}}}});
  web.view.in_flight.push_back({.id = 17,
                                .finding = vm_down("web1", kNow),
                                .action = StartVm{.vm = {"web1"}},
                                .submitted = kNow - 250ms});
  const json answer = status(web);
  EXPECT_EQ(answer["vms"][0]["decision"]["verdict"], "would_act");
  EXPECT_EQ(answer["vms"][0]["decision"]["action"], "start_vm");
  EXPECT_TRUE(answer["vms"][0]["decision"]["hold"].is_null());
  const json& flight = answer["in_flight"][0];
  EXPECT_EQ(flight["action_id"], 17);
  EXPECT_EQ(flight["action"], "start_vm");
  EXPECT_EQ(flight["target"], "vm/web1");
  EXPECT_EQ(flight["for_seconds"], 0.25);
}

TEST(StatusJson, CallsVmsUnknownWhenLibvirtIsAway) {
  WebWorld web;
  web.world.with(a_vm("web1").autostart()).wanted("web1");
  web.lose_libvirt();
  const json vm = status(web)["vms"][0];
  EXPECT_EQ(vm["name"], "web1");
  EXPECT_EQ(vm["state"], "unknown");
  EXPECT_TRUE(vm["reason"].is_null());
  EXPECT_TRUE(vm["up"].is_null());
  EXPECT_TRUE(vm["autostart"].is_null());
  EXPECT_EQ(vm["wanted"], "up") << "the ledger still knows";
}

TEST(StatusJson, CallsVmsUnknownWhenTheReadingIsOld) {
  WebWorld web;
  web.world.with(a_vm("web1"));
  web.world.now += 6s;
  const json vm = status(web)["vms"][0];
  EXPECT_EQ(vm["state"], "unknown");
  EXPECT_TRUE(vm["up"].is_null());
}

TEST(StatusJson, TellsNoVmsFromNotKnown) {
  WebWorld web;
  EXPECT_EQ(status(web)["vms"], json::array());
  WebWorld blind;
  blind.world.snapshot.vms = {};
  const json answer = status(blind);
  EXPECT_TRUE(answer["vms"].is_null());
  EXPECT_EQ(answer["ready"], false);
}

TEST(StatusJson, ShowsDrbd) {
  WebWorld web;
  web.world.drbd_version("8.4.11").with(a_resource("r0", 5).role(DrbdRole::primary));
  web.world.history.resources[{"r0"}].split_brain =
      SplitBrainEvidence{.what = "helper split-brain", .at = test::kWall};
  const json drbd = status(web)["drbd"];
  EXPECT_EQ(drbd["in_use"], true);
  EXPECT_EQ(drbd["known"], true);
  EXPECT_EQ(drbd["version"], "8.4.11");
  EXPECT_EQ(drbd["simulated"], false);
  const json& resource = drbd["resources"][0];
  EXPECT_EQ(resource["name"], "r0");
  EXPECT_EQ(resource["role"], "Primary");
  EXPECT_EQ(resource["in_kernel"], true);
  EXPECT_EQ(resource["split_brain"]["what"], "helper split-brain") << "also when remembered only";
  EXPECT_EQ(resource["devices"][0]["disk"], "UpToDate");
  EXPECT_EQ(resource["devices"][0]["minor"], 5);
  EXPECT_EQ(resource["peers"][0]["name"], "node2");
  EXPECT_EQ(resource["peers"][0]["connection"], "Connected");
  EXPECT_EQ(resource["peers"][0]["devices"][0]["disk"], "UpToDate");
  EXPECT_TRUE(resource["decision"].is_null());
  EXPECT_EQ(resource["latched"], false);
}

TEST(StatusJson, CallsDrbdUnknownWhenItCannotBeAsked) {
  WebWorld web;
  web.world.with(a_resource("r0", 5));
  web.lose_drbd();
  const json drbd = status(web)["drbd"];
  EXPECT_EQ(drbd["known"], false);
  EXPECT_TRUE(drbd["module_loaded"].is_null());
  const json& resource = drbd["resources"][0];
  EXPECT_EQ(resource["role"], "unknown");
  EXPECT_TRUE(resource["in_kernel"].is_null());
  EXPECT_EQ(resource["devices"][0]["disk"], "unknown");
  EXPECT_EQ(resource["peers"][0]["connection"], "unknown");
  EXPECT_EQ(resource["peers"][0]["devices"][0]["replication"], "unknown");
}

TEST(StatusJson, ShowsAResourceThatIsDown) {
  WebWorld web;
  web.world.with(a_resource("r0", 5).down());
  const json resource = status(web)["drbd"]["resources"][0];
  EXPECT_EQ(resource["in_kernel"], false);
  EXPECT_TRUE(resource["role"].is_null());
}

TEST(StatusJson, SaysWhereThereIsNoDrbd) {
  WebWorld web;
  web.world.snapshot.drbd_in_use = false;
  EXPECT_EQ(status(web)["drbd"], (json{{"in_use", false}}));
}

TEST(StatusJson, SaysThatDrbdIsSimulated) {
  WebWorld web;
  web.world.with(a_resource("r0", 5));
  Drbd drbd = **web.world.snapshot.drbd.reading;
  drbd.simulated = true;
  web.world.snapshot.drbd.reading = std::make_shared<const Drbd>(drbd);
  EXPECT_EQ(status(web)["drbd"]["simulated"], true);
}

TEST(StatusJson, AnswersBeforeTheFirstStep) {
  Moment moment;
  moment.identity.node = "node1";
  moment.snapshot = std::make_shared<const Snapshot>();
  const json answer = json::parse(status_json(moment));
  EXPECT_TRUE(answer["mode"].is_null());
  EXPECT_EQ(answer["ready"], false);
  EXPECT_TRUE(answer["vms"].is_null());
  EXPECT_EQ(answer["in_flight"], json::array());
}

TEST(StatusJson, SurvivesWhatIsNotUtf8) {
  WebWorld web;
  web.world.with(a_vm("bad\xFFname"));
  EXPECT_EQ(status(web)["vms"][0]["name"], "bad\uFFFDname");
}

}  // namespace
}  // namespace upkeep::web
