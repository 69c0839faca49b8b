#include "app/web/routes.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/fake_clock.h"
#include "tests/unit/app/web/web_world.h"

namespace upkeep::web {
namespace {

using nlohmann::json;
using test::a_resource;
using test::a_vm;
using namespace std::chrono_literals;

class Routes : public testing::Test {
 protected:
  Routes() {
    web.world.with(a_vm("web1")).wanted("web1");
    web.world.with(a_resource("r0", 5));
  }

  std::shared_ptr<const WebSources> sources() {
    return std::make_shared<const WebSources>(
        WebSources{.identity = {.node = "node1", .version = "0.1.0"},
                   .clock = clock,
                   .metrics = page,
                   .snapshot = [this] { return started ? web.moment().snapshot : nullptr; },
                   .view = [this] { return started ? web.moment().view : nullptr; },
                   .last_known = [] { return std::shared_ptr<const LastKnown>(); },
                   .loop_last_run = [this] { return loop_last_run; },
                   .history =
                       [this](const HistoryQuery& query) {
                         queries.push_back(query);
                         return history;
                       },
                   .recovery = [this](std::int64_t id) -> Result<std::optional<Recovery>> {
                     const auto found = recoveries.find(id);
                     if (found == recoveries.end()) return std::optional<Recovery>();
                     return found->second;
                   },
                   .command =
                       [this](const Command& command) {
                         commands.push_back(command);
                         return commanded;
                       },
                   .refused = [this](const RefusedBody& body) { refused.push_back(body); },
                   .demo = demo});
  }

  static HttpResponse call(const std::vector<HttpRoute>& routes, HttpMethod method,
                           std::string_view path, const HttpRequest& request = {}) {
    for (const auto& route : routes) {
      if (route.method == method && route.path == path) return route.handler(request);
    }
    ADD_FAILURE() << "no route " << path;
    return {};
  }
  HttpResponse get(std::string_view path, const std::string& query = "") {
    return call(control_routes(sources()), HttpMethod::get, path, {.query = query});
  }
  HttpResponse post(std::string_view path, const std::string& body) {
    return call(control_routes(sources()), HttpMethod::post, path, {.body = body});
  }
  HttpResponse open(std::string_view path, const HttpRequest& request = {}) {
    return call(public_routes(sources()), HttpMethod::get, path, request);
  }
  static std::string error_of(const HttpResponse& response) {
    return json::parse(*response.body).at("error").get<std::string>();
  }

  WebWorld web;
  test::FakeClock clock;
  bool started = true;
  Tick loop_last_run = test::kNow;
  Result<std::vector<HistoryEntry>> history = std::vector<HistoryEntry>{};
  std::vector<HistoryQuery> queries;
  std::map<std::int64_t, Recovery> recoveries;
  Result<std::string> commanded = "done";
  std::vector<Command> commands;
  std::vector<RefusedBody> refused;
  std::function<Result<std::string>(std::string_view, const std::optional<VmName>&)> demo;
  MetricsPage page{clock,
                   {.generation = [] { return std::uint64_t{1}; },
                    .write =
                        [](Exposition& out) {
                          out.family({.name = "upkeep_x", .type = MetricType::gauge, .help = "X."});
                          out.sample({}, 1);
                        }}};
};

TEST_F(Routes, PublicOnesOnlyRead) {
  std::set<std::string> paths;
  for (const auto& route : public_routes(sources())) {
    EXPECT_EQ(route.method, HttpMethod::get) << route.path;
    paths.insert(route.path);
  }
  EXPECT_EQ(paths, (std::set<std::string>{"/", "/metrics", "/-/healthy", "/-/ready",
                                          "/api/v1/status", "/api/v1/node"}));
}

TEST_F(Routes, WhatBegunToRunIsWantedOrActiveInEveryAnswer) {
  // The loop goes on between the reads of one answer: web1, which was wanted, runs since and is
  // marked down.
  WebWorld before;
  before.world.with(a_vm("web1").off());
  WebWorld after;
  after.world.with(a_vm("web1"));
  after.world.history.wanted_told->clear();
  int reads = 0;
  WebSources sources_of_now = *sources();
  sources_of_now.snapshot = [&] { return (reads++ == 0 ? before : after).moment().snapshot; };
  sources_of_now.view = [&] { return (reads++ == 0 ? before : after).moment().view; };
  const auto routes = public_routes(std::make_shared<const WebSources>(sources_of_now));
  const json node = json::parse(*call(routes, HttpMethod::get, "/api/v1/node").body);
  EXPECT_EQ(node["wanted_vms"].size() + node["active_vms"].size(), 2U) << node.dump();
}

TEST_F(Routes, MetricsArePlainUnlessGzipIsWanted) {
  const HttpResponse plain = open("/metrics");
  EXPECT_EQ(plain.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(*plain.body, "# HELP upkeep_x X.\n# TYPE upkeep_x gauge\nupkeep_x 1\n");
  const HttpResponse packed = open("/metrics", {.accepts_gzip = true});
  EXPECT_EQ(packed.body->substr(0, 2), "\x1f\x8b");
  const std::pair<std::string, std::string> encoding{"Content-Encoding", "gzip"};
  EXPECT_NE(std::ranges::find(packed.headers, encoding), packed.headers.end());
  EXPECT_EQ(std::ranges::find(plain.headers, encoding), plain.headers.end());
}

TEST_F(Routes, HealthyMeansThatTheLoopRuns) {
  EXPECT_EQ(open("/-/healthy").status, 200);
  clock.advance(30s);
  EXPECT_EQ(open("/-/healthy").status, 200);
  clock.advance(1ms);
  EXPECT_EQ(open("/-/healthy").status, 503);
}

TEST_F(Routes, ReadyMeansThatEverythingWasRead) {
  EXPECT_EQ(open("/-/ready").status, 200);
  web.world.snapshot.drbd = {};
  EXPECT_EQ(open("/-/ready").status, 503);
  web.world.snapshot.drbd_in_use = false;
  EXPECT_EQ(open("/-/ready").status, 200);
  web.lose_libvirt();
  EXPECT_EQ(open("/-/ready").status, 200) << "a failed reading is one as well";
  started = false;
  EXPECT_EQ(open("/-/ready").status, 503);
}

TEST_F(Routes, WebhookHandsOverWhatAlertmanagerSends) {
  const std::string body =
      R"({"version":"4","alerts":[{"status":"firing","labels":{"alertname":"VmDown","vm":"web1"},)"
      R"("startsAt":"2026-11-22T12:59:15Z","fingerprint":"aabfade6f6ae7dfa"}]})";
  commanded = "alerts: 1 queued";
  const HttpResponse taken = post(kWebhookPath, body);
  EXPECT_EQ(taken.status, 200);
  EXPECT_EQ(*taken.body, "alerts: 1 queued\n");
  ASSERT_EQ(commands.size(), 1U);
  const auto& alerts = std::get<TakeAlerts>(commands[0]).delivery.alerts;
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_EQ(alerts[0].labels.at("vm"), "web1");
}

TEST_F(Routes, WebhookIsSentAgainOnlyWhenThatCanHelp) {
  const HttpResponse bad = post(kWebhookPath, "{}");
  EXPECT_EQ(bad.status, 400);
  EXPECT_TRUE(bad.body->starts_with("not a webhook of Alertmanager's: version is missing"));
  EXPECT_TRUE(commands.empty()) << "what is no webhook never reaches the loop";
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].reason, BodyRefusal::wrong_version);
  EXPECT_EQ(refused[0].message + "\n", *bad.body);
  for (const Errc code : {Errc::unavailable, Errc::timed_out, Errc::exhausted}) {
    commanded = fail(code, "the disk is full");
    const HttpResponse later = post(kWebhookPath, R"({"version":"4","alerts":[]})");
    EXPECT_EQ(later.status, 503);
    EXPECT_EQ(*later.body, "the disk is full\n");
  }
}

TEST_F(Routes, AnswerBeforeTheFirstStep) {
  started = false;
  EXPECT_EQ(open("/").status, 200);
  EXPECT_EQ(open("/api/v1/status").status, 200);
  EXPECT_EQ(open("/api/v1/node").status, 200);
  EXPECT_EQ(get("/api/v1/why", "target=vm/web1").status, 404);
}

TEST_F(Routes, ThePageIsHtmlThatRunsNothing) {
  const HttpResponse response = open("/");
  EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
  EXPECT_EQ(response.headers.at(0).first, "Content-Security-Policy");
  EXPECT_NE(response.headers.at(0).second.find("default-src 'none'"), std::string::npos);
}

TEST_F(Routes, ThePageAsksTheJournalNowAndThenOnly) {
  const auto routes = public_routes(sources());
  for (int i = 0; i < 5; ++i) (void)call(routes, HttpMethod::get, "/");
  EXPECT_EQ(queries.size(), 1U);
  EXPECT_EQ(queries[0].limit, 15U);
  clock.advance(2s);
  (void)call(routes, HttpMethod::get, "/");
  EXPECT_EQ(queries.size(), 2U);
}

TEST_F(Routes, WhyExplainsATarget) {
  const HttpResponse response = get("/api/v1/why", "target=vm%2Fweb1");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json; charset=utf-8");
  const json why = json::parse(*response.body);
  EXPECT_EQ(why["target"], "vm/web1");
  EXPECT_FALSE(why["headline"].get<std::string>().empty());
  EXPECT_EQ(json::parse(*get("/api/v1/why", "target=web1").body)["target"], "vm/web1");
  EXPECT_EQ(json::parse(*get("/api/v1/why", "target=r0").body)["target"], "resource/r0");
}

TEST_F(Routes, WhyKnowsWhatIsOnRecordOnly) {
  web.lose_libvirt();
  web.world.wanted("lost1");
  EXPECT_EQ(get("/api/v1/why", "target=vm/lost1").status, 200);
}

TEST_F(Routes, WhySaysWhatItDoesNotKnow) {
  EXPECT_EQ(get("/api/v1/why").status, 400);
  EXPECT_EQ(get("/api/v1/why", "target=vm/nix").status, 404);
  EXPECT_EQ(error_of(get("/api/v1/why", "target=vm/nix")), "no VM named 'nix'");
  EXPECT_EQ(error_of(get("/api/v1/why", "target=resource/web1")), "no DRBD resource named 'web1'");
  EXPECT_EQ(error_of(get("/api/v1/why", "target=nix")), "no VM or DRBD resource named 'nix'");
}

TEST_F(Routes, SuggestsTheNameThatWasMeant) {
  EXPECT_EQ(error_of(get("/api/v1/why", "target=vm/wbe1")),
            "no VM named 'wbe1' (did you mean 'web1'?)");
  EXPECT_EQ(error_of(get("/api/v1/why", "target=wbe1")),
            "no VM or DRBD resource named 'wbe1' (did you mean 'web1'?)");
  commanded = fail(Errc::not_found, "no VM named 'wbe1'");
  EXPECT_EQ(error_of(post("/api/v1/mark", R"({"vm":"wbe1","keep":"up"})")),
            "no VM named 'wbe1' (did you mean 'web1'?)");
}

TEST_F(Routes, HistoryPassesLimitAndTarget) {
  history = std::vector<HistoryEntry>{{.at = test::kWall, .kind = "boot", .text = "booted"}};
  const HttpResponse response = get("/api/v1/history", "limit=5&target=resource/r0");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(json::parse(*response.body)["entries"].size(), 1U);
  EXPECT_EQ(queries.at(0).limit, 5U);
  EXPECT_EQ(queries.at(0).target, "resource/r0");
  (void)get("/api/v1/history", "target=gone1");
  EXPECT_EQ(queries.at(1).target, "vm/gone1");
  EXPECT_EQ(queries.at(1).limit, 100U);
}

TEST_F(Routes, HistoryRefusesOtherLimits) {
  for (const char* limit : {"0", "1001", "-1", "x", "", "5x"}) {
    EXPECT_EQ(get("/api/v1/history", std::string("limit=") + limit).status, 400) << limit;
  }
  EXPECT_TRUE(queries.empty());
  history = fail(Errc::timed_out, "upkeep's loop does not answer");
  EXPECT_EQ(get("/api/v1/history").status, 503);
}

TEST_F(Routes, ARecoveryIsShownVmByVm) {
  EXPECT_EQ(get("/api/v1/recovery").status, 404);
  Recovery recovery{.id = 3, .detail = "boot-2", .opened = test::kWall};
  recovery.members = {{.name = {"db1"},
                       .state = MemberState::healthy,
                       .back_at = test::kWall + std::chrono::seconds(42),
                       .phases = {{"start", Seconds(1.5)}}},
                      {.name = {"web1"}, .state = MemberState::held, .why = "network_missing"}};
  recoveries = {{3, recovery}, {0, recovery}};
  const HttpResponse response = get("/api/v1/recovery", "id=3");
  EXPECT_EQ(response.status, 200);
  const json shown = json::parse(*response.body);
  EXPECT_EQ(shown["states"]["healthy"], 1);
  EXPECT_EQ(shown["ended_at"], nullptr);
  EXPECT_EQ(shown["vms"][0]["back_after_seconds"], 42.0);
  EXPECT_EQ(shown["vms"][0]["phases"]["start"], 1.5);
  EXPECT_EQ(shown["vms"][0]["phases"]["queue"], nullptr);
  EXPECT_EQ(shown["vms"][1]["hold"], "network_missing");
  EXPECT_EQ(get("/api/v1/recovery").status, 200);
  recoveries.at(0).members[0].name = {"db\xff"};  // No UTF-8; libvirt takes it.
  EXPECT_EQ(get("/api/v1/recovery").status, 200);
  EXPECT_EQ(get("/api/v1/recovery", "id=4").status, 404);
  for (const char* id : {"x", "-1", "", "3x"}) {
    EXPECT_EQ(get("/api/v1/recovery", std::string("id=") + id).status, 400) << id;
  }
}

TEST_F(Routes, MarkBecomesACommand) {
  const HttpResponse response =
      post("/api/v1/mark", R"({"vm":"web1","keep":"up","reason":"customer","by":"anna"})");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(json::parse(*response.body)["text"], "done");
  const auto& mark = std::get<MarkVm>(commands.at(0));
  EXPECT_EQ(mark.vm.value, "web1");
  EXPECT_EQ(mark.mark,
            (Mark{.keep = Keep::up, .by = "anna", .reason = "customer", .at = test::kWall}));
  EXPECT_EQ(post("/api/v1/mark", R"({"vm":"web1","keep":"auto","by":null})").status, 200);
  EXPECT_EQ(std::get<MarkVm>(commands.at(1)).mark.keep, Keep::automatic);
}

TEST_F(Routes, MarkNamesWhatIsWrong) {
  const auto error = [&](const std::string& body) {
    const HttpResponse response = post("/api/v1/mark", body);
    EXPECT_EQ(response.status, 400) << body;
    return error_of(response);
  };
  EXPECT_EQ(error(""), "the body is not a JSON object");
  EXPECT_EQ(error("[1]"), "the body is not a JSON object");
  EXPECT_EQ(error("{"), "the body is not a JSON object");
  EXPECT_EQ(error(std::string(100'000, '[')), "the body is not a JSON object");
  EXPECT_EQ(error(R"({"keep":"up"})"), "'vm' is missing");
  EXPECT_EQ(error(R"({"vm":"","keep":"up"})"), "'vm' is missing");
  EXPECT_EQ(error(R"({"vm":5,"keep":"up"})"), "'vm' is not a text");
  EXPECT_EQ(error(R"({"vm":"web1","keep":"maybe"})"),
            "keep 'maybe' is none of up, down, ignore, auto");
  EXPECT_EQ(error(R"({"vm":"web1","keep":"up","reason":[]})"), "'reason' is not a text");
  EXPECT_TRUE(commands.empty());
}

TEST_F(Routes, CommandErrorsKeepTheirMeaning) {
  const auto status = [&](Errc code) {
    commanded = fail(code, "so it is");
    const HttpResponse response = post("/api/v1/mark", R"({"vm":"web1","keep":"up"})");
    EXPECT_EQ(error_of(response), "so it is");
    return response.status;
  };
  EXPECT_EQ(status(Errc::invalid), 400);
  EXPECT_EQ(status(Errc::denied), 403);
  EXPECT_EQ(status(Errc::not_found), 404);
  EXPECT_EQ(status(Errc::conflict), 409);
  EXPECT_EQ(status(Errc::timed_out), 503);
  EXPECT_EQ(status(Errc::unavailable), 503);
  EXPECT_EQ(status(Errc::exhausted), 503);
}

TEST_F(Routes, ReleaseFindsItsTarget) {
  EXPECT_EQ(post("/api/v1/release", R"({"target":"r0","by":"anna"})").status, 200);
  const auto& release = std::get<ReleaseTarget>(commands.at(0));
  EXPECT_EQ(release.target, test::resource_target("r0"));
  EXPECT_EQ(release.by, "anna");
  EXPECT_EQ(post("/api/v1/release", R"({"target":"vm/nix"})").status, 404);
  EXPECT_EQ(post("/api/v1/release", R"({})").status, 400);
  EXPECT_EQ(commands.size(), 1U);
}

TEST_F(Routes, AWordOnADegradedStartBecomesACommand) {
  const char* path = "/api/v1/allow-degraded";
  EXPECT_EQ(post(path, R"({"vm":"web1","by":"anna","reason":"burnt"})").status, 200);
  const auto& allow = std::get<AllowDegraded>(commands.at(0));
  EXPECT_EQ(allow.vm.value, "web1");
  EXPECT_EQ(allow.by, "anna");
  EXPECT_EQ(allow.reason, "burnt");
  EXPECT_FALSE(allow.take_back);
  EXPECT_EQ(post(path, R"({"vm":"web1","undo":true})").status, 200);
  EXPECT_TRUE(std::get<AllowDegraded>(commands.at(1)).take_back);
  EXPECT_EQ(error_of(post(path, R"({"undo":true})")), "'vm' is missing");
  EXPECT_EQ(error_of(post(path, R"({"vm":"web1","undo":"yes"})")),
            "'undo' is neither true nor false");
  EXPECT_EQ(commands.size(), 2U);
  commanded = fail(Errc::not_found, "no VM named 'web11'");
  EXPECT_EQ(error_of(post(path, R"({"vm":"web11"})")),
            "no VM named 'web11' (did you mean 'web1'?)");
}

TEST_F(Routes, AWordOnADeadNodeBecomesACommand) {
  const char* path = "/api/v1/peer/declare-dead";
  EXPECT_EQ(post(path, R"({"node":"node2","by":"anna","reason":"burnt"})").status, 200);
  const auto& dead = std::get<DeclareDead>(commands.at(0));
  EXPECT_EQ(dead.node.value, "node2");
  EXPECT_EQ(dead.by, "anna");
  EXPECT_EQ(dead.reason, "burnt");
  EXPECT_FALSE(dead.take_back);
  EXPECT_EQ(error_of(post(path, R"({"vm":"web1"})")), "'node' is missing");
  EXPECT_EQ(post(path, "[]").status, 400);
  EXPECT_EQ(commands.size(), 1U);
}

TEST_F(Routes, APauseBecomesACommand) {
  const char* path = "/api/v1/pause";
  EXPECT_EQ(post(path, R"({"by":"anna","reason":"new disk"})").status, 200);
  const auto& node = std::get<PauseTarget>(commands.at(0));
  EXPECT_FALSE(node.target);
  EXPECT_EQ(node.lasts, 2h);
  EXPECT_EQ(node.by, "anna");
  EXPECT_EQ(node.reason, "new disk");
  EXPECT_FALSE(node.take_back);
  EXPECT_EQ(post(path, R"({"target":"web1","for_seconds":90})").status, 200);
  EXPECT_EQ(std::get<PauseTarget>(commands.at(1)).target, test::vm_target("web1"));
  EXPECT_EQ(std::get<PauseTarget>(commands.at(1)).lasts, 90s);
  EXPECT_EQ(post(path, R"({"target":"r0","forever":true})").status, 200);
  EXPECT_EQ(std::get<PauseTarget>(commands.at(2)).target, test::resource_target("r0"));
  EXPECT_FALSE(std::get<PauseTarget>(commands.at(2)).lasts);
  EXPECT_EQ(post(path, R"({"undo":true})").status, 200);
  EXPECT_TRUE(std::get<PauseTarget>(commands.at(3)).take_back);
  for (const char* bad : {R"({"for_seconds":0})", R"({"for_seconds":-5})", R"({"for_seconds":1.5})",
                          R"({"for_seconds":"2h"})", R"({"for_seconds":18446744073709551615})"}) {
    EXPECT_EQ(error_of(post(path, bad)), "'for_seconds' is no whole number from 1 to 315360000")
        << bad;
  }
  EXPECT_EQ(error_of(post(path, R"({"for_seconds":5,"forever":true})")),
            "'for_seconds' and 'forever' exclude each other");
  EXPECT_EQ(post(path, R"({"target":"vm/nix"})").status, 404);
  EXPECT_EQ(post(path, R"({"target":7})").status, 400);
  EXPECT_EQ(commands.size(), 4U);
}

TEST_F(Routes, MaintenanceBecomesACommand) {
  const char* path = "/api/v1/maintenance";
  EXPECT_EQ(post(path, R"({"by":"anna","reason":"new memory"})").status, 200);
  EXPECT_EQ(std::get<MaintainNode>(commands.at(0)).by, "anna");
  EXPECT_EQ(std::get<MaintainNode>(commands.at(0)).reason, "new memory");
  EXPECT_FALSE(std::get<MaintainNode>(commands.at(0)).take_back);
  EXPECT_EQ(post(path, R"({"undo":true})").status, 200);
  EXPECT_TRUE(std::get<MaintainNode>(commands.at(1)).take_back);
  EXPECT_EQ(post(path, R"({"undo":1})").status, 400);
  EXPECT_EQ(commands.size(), 2U);
}

TEST_F(Routes, DemoIsRefusedWhereNothingMayBeBroken) {
  const HttpResponse response = post("/api/v1/demo", R"({"do":"crash","vm":"web1"})");
  EXPECT_EQ(response.status, 409);
  EXPECT_NE(error_of(response).find("no demo"), std::string::npos);
}

TEST_F(Routes, DemoPassesTheDeed) {
  std::string done;
  demo = [&](std::string_view deed, const std::optional<VmName>& vm) -> Result<std::string> {
    done = std::string(deed) + " " + (vm ? vm->value : "-");
    return "crashed";
  };
  EXPECT_EQ(post("/api/v1/demo", R"({"do":"crash","vm":"web1"})").status, 200);
  EXPECT_EQ(done, "crash web1");
  EXPECT_EQ(post("/api/v1/demo", R"({"do":"power-cut"})").status, 200);
  EXPECT_EQ(done, "power-cut -");
  EXPECT_EQ(post("/api/v1/demo", R"({"vm":"web1"})").status, 400);
}

}  // namespace
}  // namespace upkeep::web
