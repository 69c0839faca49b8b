#include "app/web/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "exporter/sources/peers/peer_facts.h"
#include "tests/unit/app/web/web_world.h"

namespace upkeep::web {
namespace {

using nlohmann::json;
using test::a_vm;
using namespace std::chrono_literals;

TEST(NodeJson, SaysWhichBootAndWhatIsActive) {
  WebWorld web;
  web.world.with(a_vm("up1"))
      .with(a_vm("paused1").state(VmState::paused, VmReason::user))
      .with(a_vm("odd1").state(VmState::unknown, VmReason::unknown))
      .with(a_vm("off1").off())
      .with(a_vm("dead1").crashed());
  const json node = json::parse(node_json(web.moment()));
  EXPECT_EQ(node["node"], "node1");
  EXPECT_EQ(node["boot_id"], "boot-1");
  EXPECT_EQ(node["booted_at"], "2026-11-22T02:12:04.000Z");
  EXPECT_EQ(node["boot_time"], 1795313524.0);
  EXPECT_EQ(node["vms_known"], true);
  EXPECT_EQ(node["active_vms"],
            json::array({test::uuid_of("up1"), test::uuid_of("paused1"), test::uuid_of("odd1")}))
      << "a state that is not known may hide a running guest";
}

TEST(NodeJson, NeverTakesSilenceForNotHere) {
  WebWorld web;
  web.world.with(a_vm("up1"));
  web.lose_libvirt();
  const json node = json::parse(node_json(web.moment()));
  EXPECT_EQ(node["vms_known"], false);
  EXPECT_TRUE(node["active_vms"].is_null());
  WebWorld old;
  old.world.with(a_vm("up1"));
  old.world.now += 6s;
  EXPECT_EQ(json::parse(node_json(old.moment()))["vms_known"], false);
}

TEST(NodeJson, AnInventoryThatWasLostIsNotANodeWithoutVms) {
  WebWorld web;
  const auto active = [&] { return json::parse(node_json(web.moment()))["active_vms"]; };
  const json web1 = json::array({test::uuid_of("web1")});
  web.world.snapshot.vms.reading = std::make_shared<const Vms>();
  web.world.wanted("web1", StopCause::none);
  EXPECT_EQ(active(), web1) << "it ran when it was last seen";
  web.world.marked("web1", Keep::down);
  EXPECT_EQ(active(), web1) << "whatever was wanted of it";
  web.world.history.intents.at({test::uuid_of("web1")}).boot = {"another boot"};
  EXPECT_EQ(active(), json::array()) << "that boot is over, and its guests with it";
  for (const StopCause stop : {StopCause::crashed, StopCause::moved_away}) {
    web.world.wanted("web1", stop);
    EXPECT_EQ(active(), json::array());
  }
  Moment early = web.moment();
  early.view = nullptr;
  EXPECT_EQ(json::parse(node_json(early))["vms_known"], false) << "the ledger isn't known yet";
}

TEST(NodeJson, SaysWhatIsWantedOnceTheLedgerWasHeldAgainstTheVms) {
  WebWorld web;
  web.world.with(a_vm("up1")).with(a_vm("off1").off());
  const auto said = json::parse(node_json(web.moment()))["wanted_vms"];
  EXPECT_THAT(said.get<std::vector<std::string>>(),
              testing::UnorderedElementsAre(test::uuid_of("off1"), test::uuid_of("up1")));
  web.world.history.wanted_told->clear();
  EXPECT_EQ(json::parse(node_json(web.moment()))["wanted_vms"], json::array());
  web.world.history.wanted_told.reset();
  EXPECT_TRUE(json::parse(node_json(web.moment()))["wanted_vms"].is_null());
  Moment early = web.moment();
  early.view.reset();
  EXPECT_TRUE(json::parse(node_json(early))["wanted_vms"].is_null());
}

TEST(NodeJson, NeverTakesSilenceForNotWanted) {
  WebWorld web;
  web.world.with(a_vm("off1").off());
  web.lose_libvirt();
  EXPECT_TRUE(json::parse(node_json(web.moment()))["wanted_vms"].is_null())
      << "the list is of before";
}

TEST(NodeJson, SaysWhatKeepsTheWantedFromBeingStarted) {
  WebWorld web;
  web.world.with(a_vm("off1").off()).with(a_vm("off2").off()).with(a_vm("up1"));
  Moment moment = web.moment();
  auto view = std::make_shared<RemediationView>(*moment.view);
  view->mode = Mode::dry_run;
  const auto held = [&](const std::string& vm, Hold reason) {
    view->decisions.push_back(
        {.finding = {.rule = "vm_down", .subject = test::vm_target(vm), .detail = ""},
         .verdict = hold(reason, "")});
  };
  held("off1", Hold::other_manager);
  held("off2", Hold::backing_off);
  held("up1", Hold::paused);
  held("gone1", Hold::paused);
  moment.view = view;
  const json node = json::parse(node_json(moment));
  EXPECT_EQ(node["mode"], "dry-run");
  EXPECT_EQ(node["held_vms"], (json{{test::uuid_of("off1"), "other_manager"}}));
  Moment early = web.moment();
  early.view.reset();
  EXPECT_TRUE(json::parse(node_json(early))["mode"].is_null());
  EXPECT_EQ(json::parse(node_json(early))["held_vms"], json::object());
}

TEST(NodeJson, SaysNothingOfABootItDoesNotKnow) {
  WebWorld web;
  web.world.snapshot.node.reading = fail(Errc::failed, "no /proc");
  const json node = json::parse(node_json(web.moment()));
  EXPECT_TRUE(node["boot_id"].is_null());
  EXPECT_TRUE(node["boot_time"].is_null());
}

TEST(NodeJson, IsWhatPeersRead) {
  WebWorld web;
  Vm up = a_vm("up1");
  up.uuid = {"5f0c7d1e-0000-4000-8000-000000000001"};
  web.world.with(up);
  const auto facts = parse_peer_facts(node_json(web.moment()));
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->boot_id.value, "boot-1");
  EXPECT_EQ(facts->boot_time, test::kWall - 1h);
  EXPECT_EQ(facts->node.value, "node1");
  EXPECT_EQ(facts->active_vms, std::vector{up.uuid});
  ASSERT_TRUE(facts->wanted_vms);
  EXPECT_EQ(*facts->wanted_vms, std::vector{up.uuid});
}

TEST(WhyJson, HoldsHeadlineFactsAndCommands) {
  const json why = json::parse(
      why_json(test::vm_target("web1"),
               {.headline = "It is \"so\".", .facts = {"one", "two"}, .commands = {"upkeep x"}}));
  EXPECT_EQ(why, (json{{"target", "vm/web1"},
                       {"headline", "It is \"so\"."},
                       {"facts", {"one", "two"}},
                       {"commands", json::array({"upkeep x"})}}));
  const json empty = json::parse(why_json(test::vm_target("web1"), {}));
  EXPECT_EQ(empty["facts"], json::array());
}

TEST(HistoryJson, HoldsTheEntries) {
  const json history = json::parse(
      history_json({{.at = test::kWall + 120ms,
                     .kind = "end",
                     .target = "vm/web1",
                     .text = "t",
                     .action_id = 17},
                    {.at = test::kWall, .kind = "boot", .target = "", .text = "booted"}}));
  EXPECT_EQ(history["entries"][0], (json{{"at", "2026-11-22T03:12:04.120Z"},
                                         {"kind", "end"},
                                         {"target", "vm/web1"},
                                         {"text", "t"},
                                         {"action_id", 17}}));
  EXPECT_TRUE(history["entries"][1]["target"].is_null());
  EXPECT_TRUE(history["entries"][1]["action_id"].is_null());
  EXPECT_EQ(json::parse(history_json({}))["entries"], json::array());
}

TEST(ErrorJson, IsOneObject) {
  EXPECT_EQ(json::parse(error_json("no 'x'")), (json{{"error", "no 'x'"}}));
  EXPECT_EQ(json::parse(text_json("done")), (json{{"text", "done"}}));
}

}  // namespace
}  // namespace upkeep::web
