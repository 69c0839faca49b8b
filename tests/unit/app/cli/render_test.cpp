#include "app/cli/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace upkeep::cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr Style kPlain{.colour = false};

class Render : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("TZ", "UTC0", 1);
    tzset();
  }
  void TearDown() override {
    unsetenv("TZ");
    tzset();
  }
};

/// The first JSON block behind a heading of docs/http-api.md.
json documented(const std::string& heading) {
  std::ifstream page(std::filesystem::path(UPKEEP_FIXTURES) / "../../docs/http-api.md");
  std::ostringstream text;
  text << page.rdbuf();
  const std::string all = text.str();
  const std::size_t section = all.find("## " + heading);
  const std::size_t begin = all.find("```json\n", section);
  const std::size_t end = all.find("```", begin + 8);
  EXPECT_NE(section, std::string::npos) << heading;
  EXPECT_NE(end, std::string::npos) << heading;
  return json::parse(all.substr(begin + 8, end - begin - 8));
}

TEST_F(Render, TheDocumentedStatus) {
  EXPECT_EQ(
      render_status(documented("GET /api/v1/status"), kPlain),
      // clang-format off
            "node1  mode act  upkeep 0.1.0  running since 2026-03-01 03:10:02\n"
            "booted 2026-03-01 03:09:50 after an unclean shutdown (91 s down)  load 0.42 on 8 cores\n"
            "drbd can't be read, last answer 12 s ago: drbdsetup events2: exited with 20\n"
            "\n"
            "peer/node2 is declared dead (anna, 2026-03-01 03:20:00): burnt down\n"
            "\n"
            "VM    STATE               WANTED  DECISION\n"
            "web1  shut_off (crashed)  up      not started: the last try failed 4 s ago; next try in 6 s\n"
            "\n"
            "DRBD 8.4.11\n"
            "RESOURCE  ROLE     DISK      PEER   CONNECTION  PEER DISK     RESYNC                                                DECISION\n"
            "r0/0      Primary  UpToDate  node2  Connected   Inconsistent  SyncSource, 97.0 %, 4.0 KiB out of sync, 3.0 s to go  SPLIT BRAIN\n"
            "\n"
            "recovery 3 after the boot on 2026-03-01 03:10:00: 1 starting, 61 healthy; under way\n"
            "\n"
            "doing now: start_vm vm/web1 for 0.2 s\n"
      // clang-format on
  );
}

TEST_F(Render, TheDocumentedStatusOfDrbd) {
  EXPECT_EQ(render_drbd(documented("GET /api/v1/status"), kPlain),
            // clang-format off
      "DRBD 8.4.11\n"
      "RESOURCE  ROLE     DISK      PEER   CONNECTION  PEER ROLE  PEER DISK     SYNC                                                             VMS\n"
      "r0/0      Primary  UpToDate  node2  Connected   Secondary  Inconsistent  sends, 97.0 % done, 4.0 KiB out of sync, 1.0 KiB/s, 3.0 s to go  web1\n"
      "\n"
      "r0: SPLIT BRAIN: both sides wrote (helper split-brain, 2026-03-01 03:12:00)\n"
            // clang-format on
  );
}

TEST_F(Render, DrbdSaysWhyALinkWasGivenUpAndWhatIsSuspended) {
  json status = documented("GET /api/v1/status");
  json& resource = status["drbd"]["resources"][0];
  resource["split_brain"] = nullptr;
  resource["suspended"] = "quorum";
  resource["devices"][0]["crashed_primary"] = true;
  resource["peers"][0]["connection"] = "StandAlone";
  resource["peers"][0]["loss"] = {{"cause", "role_conflict"},
                                  {"what", "block drbd0: I shall become\nSyncTarget"},
                                  {"at", "2026-03-01T03:11:00.000Z"}};
  resource["peers"][0]["devices"][0]["replication"] = "PausedSyncS";
  resource["peers"][0]["devices"][0]["resync_suspended"] = "user";
  const std::string text = render_drbd(status, kPlain);
  EXPECT_THAT(text, HasSubstr("paused, sends, held by user, 97.0 % done"));
  EXPECT_THAT(text, HasSubstr("r0: I/O is suspended: quorum\n"));
  EXPECT_THAT(text,
              HasSubstr("r0: link to node2 given up, cause role_conflict, 2026-03-01 03:11:00 "
                        "(block drbd0: I shall become"));
  EXPECT_THAT(text, Not(HasSubstr("\nSyncTarget"))) << "a name from elsewhere breaks no line";
  EXPECT_THAT(text, HasSubstr("r0: was Primary here when this node went down hard\n"));
}

TEST_F(Render, DrbdThatIsNotThereIsSaidSo) {
  EXPECT_EQ(render_drbd(json::parse(R"({"drbd":{"in_use":false}})"), kPlain),
            "DRBD is not in use here\n");
  EXPECT_EQ(
      render_drbd(json::parse(R"({"drbd":{"in_use":true,"module_loaded":false,"resources":[]}})"),
                  kPlain),
      "DRBD: the kernel module is not loaded, no resources\n");
  EXPECT_THAT(render_drbd(json::parse(R"({"drbd":{"in_use":true,"module_loaded":false,"resources":
                            [{"name":"r1","in_kernel":false}]}})"),
                          kPlain),
              HasSubstr("r1        down  -"));
}

TEST_F(Render, TheDocumentedHistory) {
  EXPECT_EQ(render_history(documented("GET /api/v1/history"), kPlain),
            "TIME                 TARGET   KIND  WHAT\n"
            "2026-03-01 03:12:44  vm/web1  end   start_vm succeeded in 0.3 s\n");
}

TEST_F(Render, TheDocumentedWhy) {
  EXPECT_EQ(render_why(documented("GET /api/v1/why"), kPlain),
            "web1 stays down: it was stopped on purpose (virsh destroy) at 03:12.\n"
            "\n"
            "  libvirt: shut off (destroyed), read 0.4 s ago\n"
            "  …\n"
            "\n"
            "What would change that:\n"
            "  upkeep mark web1 up\n");
}

TEST_F(Render, HistoryEndsWithTheNewest) {
  const json history = {{"entries",
                         {{{"at", "2026-03-01T03:00:02Z"}, {"kind", "end"}, {"text", "second"}},
                          {{"at", "2026-03-01T03:00:01Z"}, {"kind", "begin"}, {"text", "first"}}}}};
  const std::string text = render_history(history, kPlain);
  EXPECT_LT(text.find("first"), text.find("second"));
  EXPECT_THAT(text, HasSubstr("node"));  // no target: the node itself
}

TEST_F(Render, ARecoveryVmByVm) {
  const std::string text = render_recovery(documented("GET /api/v1/recovery"), kPlain);
  EXPECT_THAT(text, HasSubstr("recovery 3 after the boot on "));
  EXPECT_THAT(text, HasSubstr(": 1 healthy, 1 held; over after 2 min\n"));
  EXPECT_THAT(text, HasSubstr("db1   healthy                 42.5"));
  EXPECT_THAT(text, HasSubstr("web1  held (network_missing)  -"));
}

TEST_F(Render, TheStatusTellsOfARecoveryThatIsUnderWay) {
  auto status = documented("GET /api/v1/status");
  EXPECT_THAT(render_status(status, kPlain), HasSubstr(": 1 starting, 61 healthy; under way\n"));
  status["recovery"]["ended_at"] = "2026-03-01T03:12:12.000Z";
  EXPECT_THAT(render_status(status, kPlain), Not(HasSubstr("recovery 3")));
}

TEST_F(Render, NoHistoryIsSaid) {
  EXPECT_EQ(render_history({{"entries", json::array()}}, kPlain), "nothing on record\n");
}

TEST_F(Render, ASourceThatNeverAnsweredHasNoLastAnswer) {
  auto status = documented("GET /api/v1/status");
  status["sources"][1]["age_seconds"] = nullptr;
  EXPECT_THAT(render_status(status, kPlain),
              testing::HasSubstr("drbd can't be read, no answer since upkeep started: drbdsetup"));
}

TEST_F(Render, NoVmsAndUnknownVmsDiffer) {
  EXPECT_THAT(render_status({{"vms", json::array()}}, kPlain), HasSubstr("no VMs"));
  EXPECT_THAT(render_status({{"vms", nullptr}}, kPlain), Not(HasSubstr("no VMs")));
}

TEST_F(Render, UnknownIsNeitherUpNorDown) {
  const json status = {{"vms",
                        {{{"name", "web1"},
                          {"state", "unknown"},
                          {"reason", nullptr},
                          {"up", nullptr},
                          {"wanted", "up"}}}}};
  EXPECT_THAT(render_status(status, {.colour = true}), HasSubstr("\033[33munknown\033[0m"));
}

TEST_F(Render, AGuestThatRunsAndDoesNotWorkIsNotGreen) {
  const json status = {{"vms",
                        {{{"name", "web1"},
                          {"state", "running"},
                          {"reason", "booted"},
                          {"up", true},
                          {"health", "not healthy yet: no answer"},
                          {"wanted", "up"}}}}};
  EXPECT_THAT(render_status(status, {.colour = true}),
              HasSubstr("\033[33mrunning, not healthy yet: no answer\033[0m"));
}

TEST_F(Render, WhoSaysSoIsShownUnlessItIsTheLedger) {
  const json vm = {{"name", "web1"}, {"state", "running"}, {"up", true}, {"wanted", "up"}};
  json status = {{"vms", {vm}}};
  status["vms"][0]["authority"] = "mark";
  EXPECT_THAT(render_status(status, kPlain), HasSubstr("up (mark)"));
  status["vms"][0]["authority"] = "auto";
  EXPECT_THAT(render_status(status, kPlain), Not(HasSubstr("(auto)")));
}

TEST_F(Render, ALatchIsShownAlsoWithoutAFinding) {
  const json status = {{"vms",
                        {{{"name", "web1"},
                          {"state", "shut_off"},
                          {"up", false},
                          {"wanted", "up"},
                          {"latched", true},
                          {"decision", nullptr}}}}};
  EXPECT_THAT(render_status(status, kPlain), HasSubstr("latched"));
}

TEST_F(Render, AResourceThatIsDownIsCalledDown) {
  const json status = {{"drbd",
                        {{"in_use", true},
                         {"module_loaded", false},
                         {"resources",
                          {{{"name", "r0"},
                            {"in_kernel", false},
                            {"role", "Unknown"},
                            {"devices", json::array()},
                            {"peers", json::array()},
                            {"decision", {{"verdict", "act"}, {"text", "bringing it up"}}}}}}}}};
  const std::string text = render_status(status, kPlain);
  EXPECT_THAT(text, HasSubstr("the kernel module is not loaded"));
  EXPECT_THAT(text, HasSubstr("r0        down  -"));
  EXPECT_THAT(text, HasSubstr("bringing it up"));
}

TEST_F(Render, SimulatedDrbdIsCalledSimulated) {
  const json status = {{"drbd", {{"in_use", true}, {"version", "9.2.0"}, {"simulated", true}}}};
  EXPECT_THAT(render_status(status, kPlain), HasSubstr("DRBD 9.2.0 (simulated)"));
}

TEST_F(Render, DrbdThatIsNotUsedIsNotShown) {
  EXPECT_THAT(render_status({{"drbd", {{"in_use", false}}}}, kPlain), Not(HasSubstr("DRBD")));
}

TEST_F(Render, AnythingButTheDocumentedShapeIsNoCrash) {
  json shapes = json::array({nullptr, true, 1, "x", json::array(), json::object()});
  int rendered = 0;
  const json good = documented("GET /api/v1/status");
  const json flat = good.flatten();
  for (const auto& [pointer, value] : flat.items()) {
    for (const json& shape : shapes) {
      json bent = good;
      bent[json::json_pointer(pointer)] = shape;
      EXPECT_FALSE(render_status(bent, kPlain).empty());
      ++rendered;
    }
  }
  for (const char* key : {"vms", "drbd", "boot", "sources", "in_flight", "entries", "facts"}) {
    for (const json& shape : shapes) {
      json bent = good;
      bent[key] = shape;
      EXPECT_FALSE(render_status(bent, kPlain).empty());
      EXPECT_FALSE(render_history({{key, shape}}, kPlain).empty());
      EXPECT_FALSE(render_why({{key, shape}}, kPlain).empty());
    }
  }
  for (const json& shape : shapes) {
    EXPECT_FALSE(render_status(shape, kPlain).empty());
    EXPECT_FALSE(render_history(shape, kPlain).empty());
    EXPECT_FALSE(render_why(shape, kPlain).empty());
  }
  EXPECT_GT(rendered, 300);
}

TEST_F(Render, ColoursAppearOnlyWhenAsked) {
  const json status = documented("GET /api/v1/status");
  EXPECT_THAT(render_status(status, kPlain), Not(HasSubstr("\033")));
  EXPECT_THAT(render_status(status, {.colour = true}), HasSubstr("\033["));
}

}  // namespace
}  // namespace upkeep::cli
