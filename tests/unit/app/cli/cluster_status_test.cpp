#include "app/cli/cluster_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>

#include "app/cli/cli.h"
#include "app/cli/exit_code.h"
#include "tests/unit/app/cli/cli_environment.h"

namespace upkeep::cli {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

json a_vm(const std::string& name, const json& up, const std::string& wanted = "up") {
  return {{"name", name},
          {"uuid", "uuid-" + name},
          {"state", up == true ? "running" : "shut_off"},
          {"up", up},
          {"wanted", wanted}};
}

json a_node(const std::string& name, json vms) {
  return {{"name", name},
          {"error", nullptr},
          {"status",
           {{"node", name},
            {"mode", "act"},
            {"ready", true},
            {"boot", {{"booted_at", "2026-03-01T03:09:50.000Z"}}},
            {"vms", std::move(vms)},
            {"drbd", {{"in_use", false}}}}}};
}

class ClusterStatus : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    setenv("TZ", "UTC0", 1);
    tzset();
  }
  void TearDown() override {
    unsetenv("TZ");
    tzset();
    CliTest::TearDown();
  }

  static std::string shown(const json& nodes) { return render_cluster({{"nodes", nodes}}, {}); }

  int run(const std::string& peers, bool as_json) {
    const std::string file = (dir_.path() / "upkeep.toml").string();
    std::ofstream(file, std::ios::app) << peers;
    std::vector<const char*> arguments{"status", "--cluster", "--config", file.c_str()};
    if (as_json) arguments.push_back("--json");
    Output output{.out = out_, .err = err_, .out_style = {}, .err_style = {}};
    return run_cli(arguments, output);
  }
};

TEST_F(ClusterStatus, ShowsEachNodeAndWhatIsNotAsWanted) {
  json held = a_vm("web2", false);
  held["decision"] = {{"text", "not started: node1 may run it"}};
  json silent = a_node("node3", json::array());
  silent["status"] = nullptr;
  silent["error"] = "upkeep on node3 does not answer: timed out";
  EXPECT_EQ(shown({a_node("node1", {a_vm("web1", true), a_vm("old", false, "down")}),
                   a_node("node2", {held}), silent}),
            // clang-format off
            "NODE   MODE       BOOTED               VMS        DRBD  REMARKS\n"
            "node1  act        2026-03-01 03:09:50  1 of 1 up  -\n"
            "node2  act        2026-03-01 03:09:50  0 of 1 up  -\n"
            "node3  no answer  -                    ?          ?     upkeep on node3 does not answer: timed out\n"
            "\n"
            "NODE   TARGET   STATE     DECISION\n"
            "node2  vm/web2  shut_off  not started: node1 may run it\n"
            // clang-format on
  );
}

TEST_F(ClusterStatus, AVmThatRunsTwiceIsNotOverlooked) {
  EXPECT_THAT(shown({a_node("node1", {a_vm("web1", true)}), a_node("node2", {a_vm("web1", true)})}),
              HasSubstr("web1 RUNS TWICE: on node1 and on node2"));
  EXPECT_THAT(
      shown({a_node("node1", {a_vm("web1", true)}), a_node("node2", {a_vm("web1", false)})}),
      Not(HasSubstr("TWICE")));
}

TEST_F(ClusterStatus, TwoAddressesOfOneNodeAreOnePlace) {
  json again = a_node("node1", {a_vm("web1", true)});
  again["name"] = "node2";
  const std::string text = shown({a_node("node1", {a_vm("web1", true)}), again});
  EXPECT_THAT(text, AllOf(Not(HasSubstr("TWICE")), HasSubstr("calls itself node1")));
}

TEST_F(ClusterStatus, ADomainMakesNoOtherNode) {
  json full = a_node("node2", {a_vm("web1", true)});
  full["name"] = "node2.example";
  EXPECT_THAT(shown({full}), Not(HasSubstr("calls itself")));
}

TEST_F(ClusterStatus, TheBootTellsNodesOfOneNameApart) {
  const auto in_boot = [](json node, const std::string& name, const std::string& boot) {
    node["name"] = name;
    node["status"]["boot"]["id"] = boot;
    return node;
  };
  const json node = a_node("node2", {a_vm("web1", true)});
  EXPECT_THAT(shown({in_boot(node, "node2.a", "b1"), in_boot(node, "node2.b", "b2")}),
              HasSubstr("web1 RUNS TWICE: on node2.a and on node2.b"));
  EXPECT_THAT(shown({in_boot(node, "node2.a", "b1"), in_boot(node, "node2.b", "b1")}),
              Not(HasSubstr("TWICE")));
}

TEST_F(ClusterStatus, UnknownIsNotDown) {
  json blind = a_node("node1", nullptr);
  blind["status"]["sources"] = {{{"name", "libvirt"}, {"up", false}}};
  EXPECT_THAT(
      shown({blind, a_node("node2", {a_vm("web1", nullptr)})}),
      AllOf(HasSubstr("?"), HasSubstr("libvirt can't be read"), HasSubstr("0 of 1 up, 1 unknown")));
}

TEST_F(ClusterStatus, SaysWhoIsPausedAndWhatIsUnderWay) {
  json node = a_node("node1", json::array());
  node["status"]["declared"] = {{{"what", "paused"}, {"subject", "vm/web1"}}};
  node["status"]["recovery"] = {{"ended_at", nullptr}};
  node["status"]["drbd"] = {{"in_use", true},
                            {"resources",
                             {{{"name", "r0"},
                               {"devices", {{{"disk", "UpToDate"}}}},
                               {"peers", {{{"connection", "StandAlone"}}}},
                               {"decision", {{"text", "somebody disconnected it"}}}},
                              {{"name", "r1"},
                               {"devices", {{{"disk", "UpToDate"}}}},
                               {"peers", {{{"connection", "Connected"}}}}}}}};
  EXPECT_THAT(shown(json::array({node})),
              AllOf(HasSubstr("1 of 2 well"), HasSubstr("recovery under way, paused: vm/web1"),
                    HasSubstr("resource/r0"), Not(HasSubstr("resource/r1"))));
}

TEST_F(ClusterStatus, NothingThatAnswersBreaksIt) {
  for (const json& status : {json("text"), json::array(), json{{"vms", 7}}, json{{"vms", {1}}},
                             json{{"drbd", {{"in_use", true}, {"resources", 3}}}}}) {
    EXPECT_THAT(shown({{{"name", "node1"}, {"status", status}}}), HasSubstr("node1"));
  }
  EXPECT_THAT(shown("none"), HasSubstr("NODE"));
}

TEST_F(ClusterStatus, AsksThePeersOfTheConfiguration) {
  auto started = HttpServer::start(
      HttpOptions{}, {{HttpMethod::get, "/api/v1/status", [](const HttpRequest&) {
                         return text_response(
                             200, a_node("node2", {a_vm("web2", true)})["status"].dump());
                       }}});
  ASSERT_TRUE(started) << started.error().message;
  const std::string peers = fmt::format(
      "[[peer]]\nname = \"node2\"\nurl = \"http://127.0.0.1:{}\"\n"
      "[[peer]]\nname = \"node3\"\nurl = \"http://127.0.0.1:1\"\n",
      (*started)->port());
  // This node's daemon and node3's don't run.
  EXPECT_EQ(run(peers, true), kFailed);
  const json nodes = json::parse(out_.str())["nodes"];
  ASSERT_EQ(nodes.size(), 3U);
  EXPECT_EQ(nodes[1]["status"]["vms"][0]["name"], "web2");
  EXPECT_EQ(nodes[1]["error"], nullptr);
  EXPECT_EQ(nodes[2]["status"], nullptr);
  EXPECT_THAT(nodes[2]["error"].get<std::string>(), HasSubstr("upkeep on node3 is not running"));
  EXPECT_THAT(nodes[0]["error"].get<std::string>(), HasSubstr("upkeep is not running"));
  EXPECT_THAT(err_.str(), IsEmpty());
}

TEST_F(ClusterStatus, WhatIsNoUpkeepHasNotAnswered) {
  auto started = HttpServer::start(HttpOptions{},
                                   {{HttpMethod::get, "/api/v1/status",
                                     [](const HttpRequest&) { return text_response(200, "{}"); }}});
  ASSERT_TRUE(started) << started.error().message;
  EXPECT_EQ(run(fmt::format("[[peer]]\nname = \"node2\"\nurl = \"http://127.0.0.1:{}\"\n",
                            (*started)->port()),
                true),
            kFailed);
  const json nodes = json::parse(out_.str())["nodes"];
  EXPECT_EQ(nodes[1]["status"], nullptr);
  EXPECT_EQ(nodes[1]["error"], "what it answers is no status of upkeep's");
}

TEST_F(ClusterStatus, SaysThatThereAreNoPeers) {
  EXPECT_EQ(run("", false), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("has no [[peer]]"));
}

}  // namespace
}  // namespace upkeep::cli
