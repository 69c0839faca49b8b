#include "app/web/resolve.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/fake_clock.h"
#include "tests/unit/app/web/web_world.h"

namespace upkeep::web {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using test::a_resource;
using test::a_vm;

class ResolveRoute : public testing::Test {
 protected:
  ResolveRoute() {
    DrbdResource r0 = a_resource("r0", 5).stand_alone().split_brain("helper split-brain");
    r0.split_brain->at = test::kWall;
    r0.peers.front().devices.front().out_of_sync = Bytes{320 * 1024};
    web.world.with(r0);
    web.world.with(a_vm("web1").off().on_drbd(5));
    web.world.history.resources[{"r0"}].primary_alone = true;
    begun = {{.at = test::kWall,
              .kind = "begin",
              .target = "resource/r0",
              .text = "resolve_split_brain begins: attempt 1",
              .action_id = 17},
             {.at = test::kWall,
              .kind = "begin",
              .target = "resource/r0",
              .text = "bring_up_resource begins: attempt 1",
              .action_id = 3}};
  }

  WebSources sources() {
    return {.identity = {.node = "node1", .version = "0.1.0"},
            .clock = clock,
            .metrics = page,
            .snapshot = [this] { return web.moment().snapshot; },
            .view = [this] { return web.moment().view; },
            .last_known = [] { return std::shared_ptr<const LastKnown>(); },
            .loop_last_run = [] { return test::kNow; },
            .history = [this](const HistoryQuery& query) -> Result<std::vector<HistoryEntry>> {
              EXPECT_EQ(query.target, "resource/r0");
              return begun;
            },
            .command =
                [this](const Command& command) {
                  commands.push_back(std::get<ResolveResource>(command));
                  return commanded;
                },
            .demo = {}};
  }
  HttpResponse post(const std::string& body) { return answer_resolve(sources(), {.body = body}); }
  HttpResponse preview(const std::string& query) {
    return answer_resolve_preview(sources(), {.query = query});
  }
  static json read(const HttpResponse& response) { return json::parse(*response.body); }

  WebWorld web;
  test::FakeClock clock;
  std::vector<HistoryEntry> begun;
  Result<std::string> commanded = "r0: anna decides";
  std::vector<ResolveResource> commands;
  MetricsPage page{clock,
                   {.generation = [] { return std::uint64_t{1}; }, .write = [](Exposition&) {}}};
};

TEST_F(ResolveRoute, ShowsWhatWouldBeLostAndChangesNothing) {
  const HttpResponse response = preview("resource=r0&side=discard_local");
  ASSERT_EQ(response.status, 200);
  const json shown = read(response);
  EXPECT_EQ(shown["resource"], "r0");
  EXPECT_EQ(shown["node"], "node1");
  EXPECT_EQ(shown["possible"], true);
  EXPECT_TRUE(shown["refusal"].is_null());
  EXPECT_EQ(shown["split_brain"]["what"], "helper split-brain");
  EXPECT_EQ(shown["next"], "on node2: upkeep drbd resolve r0 --keep-local");
  const std::string facts = shown["facts"].dump();
  for (const char* fact :
       {"320.0 KiB here differ", "it was Primary in this boot while no peer",
        "web1 has a disk on it", "the link to node2 is StandAlone", "can't be seen from here"}) {
    EXPECT_NE(facts.find(fact), std::string::npos) << fact << " in " << facts;
  }
  EXPECT_TRUE(commands.empty());
}

TEST_F(ResolveRoute, ShowsWhenEachSideWasLastSeenPrimary) {
  EXPECT_EQ(read(preview("resource=r0&side=keep_local"))["last_primary"], json::array());
  PrimaryRecord& record = web.world.history.last_primary;
  record[{{"r0"}, {}}] = {.since = test::kWall};
  record[{{"r0"}, {"node2"}}] = {
      .since = test::kWall - 1h, .until = test::kWall - 1min, .end = PrimaryEnd::out_of_sight};
  record[{{"r1"}, {}}] = {.since = test::kWall};
  const json shown = read(preview("resource=r0&side=keep_local"));
  EXPECT_EQ(shown["last_primary"], json::parse(R"([
      {"node": "node1", "here": true, "since": "2026-11-22T03:12:04.000Z", "until": null,
       "end": "still"},
      {"node": "node2", "here": false, "since": "2026-11-22T02:12:04.000Z",
       "until": "2026-11-22T03:11:04.000Z", "end": "out_of_sight"}])"));
  EXPECT_NE(shown["facts"].dump().find("node2: last seen Primary from here"), std::string::npos);
  EXPECT_NE(shown["facts"].dump().find("seen Primary here, first"), std::string::npos);
}

TEST_F(ResolveRoute, SaysBeforehandWhatWouldBeRefused) {
  web.world.with(a_resource("r0", 5).stand_alone().role(DrbdRole::primary).split_brain("helper"));
  const json discard = read(preview("resource=resource/r0&side=discard_local"));
  EXPECT_EQ(discard["possible"], false);
  EXPECT_NE(discard["refusal"].get<std::string>().find("r0 is Primary here"), std::string::npos);
  const json keep = read(preview("resource=r0&side=keep_local"));
  EXPECT_EQ(keep["possible"], true);
  EXPECT_EQ(keep["next"], "on node2: upkeep drbd resolve r0 --discard-local");
}

TEST_F(ResolveRoute, CallsThePeerOf84TheOtherNode) {
  DrbdResource r0 = a_resource("r0", 5).stand_alone().split_brain("helper split-brain");
  r0.peers.front().name = NodeName{"peer"};
  web.world.with(r0);
  EXPECT_EQ(read(preview("resource=r0&side=discard_local"))["next"],
            "on the other node: upkeep drbd resolve r0 --keep-local");
}

TEST_F(ResolveRoute, HasItDoneOnlyOnTheNodeThatIsNamed) {
  const char* confirmed =
      R"({"resource":"r0","side":"discard_local","by":"anna","reason":"old","confirm":"node1"})";
  const HttpResponse done = post(confirmed);
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(read(done)["text"], "r0: anna decides");
  EXPECT_EQ(read(done)["action_id"], 17);
  EXPECT_EQ(read(done)["next"], "on node2: upkeep drbd resolve r0 --keep-local");
  ASSERT_EQ(commands.size(), 1U);
  EXPECT_EQ(commands[0].resolve,
            (ResolveSplitBrain{.resource = {"r0"}, .side = SplitBrainSide::discard_local}));
  EXPECT_EQ(commands[0].by, "anna");
  EXPECT_EQ(commands[0].reason, "old");
  for (const char* body : {R"({"resource":"r0","side":"discard_local"})",
                           R"({"resource":"r0","side":"discard_local","confirm":"node2"})",
                           R"({"resource":"r0","side":"discard_local","confirm":"r0"})"}) {
    const HttpResponse refused = post(body);
    EXPECT_EQ(refused.status, 409) << body;
    EXPECT_NE(read(refused)["error"].get<std::string>().find("'node1'"), std::string::npos);
  }
  EXPECT_EQ(commands.size(), 1U);
}

TEST_F(ResolveRoute, KeepingNeedsNoNode) {
  EXPECT_EQ(post(R"({"resource":"r0","side":"keep_local"})").status, 200);
  ASSERT_EQ(commands.size(), 1U);
  EXPECT_EQ(commands[0].resolve.side, SplitBrainSide::keep_local);
}

TEST_F(ResolveRoute, NamesWhatIsWrong) {
  EXPECT_EQ(post("").status, 400);
  EXPECT_EQ(post(R"({"side":"keep_local"})").status, 400);
  EXPECT_EQ(post(R"({"resource":"r0"})").status, 400);
  EXPECT_EQ(post(R"({"resource":"r0","side":"both"})").status, 400);
  EXPECT_EQ(post(R"({"resource":"r0","side":"keep_local","by":5})").status, 400);
  EXPECT_EQ(post(R"({"resource":"r9","side":"keep_local"})").status, 404);
  EXPECT_EQ(preview("resource=r9&side=keep_local").status, 404);
  EXPECT_EQ(preview("resource=r0").status, 400);
  EXPECT_TRUE(commands.empty());
  commanded = fail(Errc::conflict, "an action on resource/r0 has not ended yet");
  EXPECT_EQ(post(R"({"resource":"r0","side":"keep_local"})").status, 409);
}

}  // namespace
}  // namespace upkeep::web
