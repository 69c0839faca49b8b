#include "app/web/status_page.h"

#include <gtest/gtest.h>

#include "remediation/explain.h"
#include "tests/unit/app/web/web_world.h"

namespace upkeep::web {
namespace {

using test::a_resource;
using test::a_vm;
using test::kNow;
using namespace std::chrono_literals;

using History = Result<std::vector<HistoryEntry>>;

std::string page(WebWorld& web, const History& history = std::vector<HistoryEntry>{}) {
  return status_page(web.moment(), history);
}

bool has(const std::string& html, std::string_view part) {
  return html.find(part) != std::string::npos;
}

TEST(Escaped, MakesTextHarmless) {
  EXPECT_EQ(escaped("<b a=\"x\" c='y'>&amp;"), "&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;amp;");
}

TEST(StatusPage, NeedsNothingFromElsewhere) {
  WebWorld web;
  const std::string html = page(web);
  EXPECT_TRUE(html.starts_with("<!DOCTYPE html>"));
  for (const char* part : {"<script", "http://", "https://", "src=", "url(", "@import"}) {
    EXPECT_FALSE(has(html, part)) << part;
  }
  EXPECT_TRUE(has(html, "name=\"viewport\""));
  EXPECT_TRUE(has(html, "prefers-color-scheme:dark"));
}

TEST(StatusPage, SaysTheModeClearlyUnlessItActs) {
  WebWorld web;
  EXPECT_TRUE(has(page(web), "mode act"));
  EXPECT_FALSE(has(page(web), "<strong>Observe</strong>"));
  web.world.policy.mode = Mode::observe;
  EXPECT_TRUE(has(page(web), "<strong>Observe</strong> upkeep only watches here"));
  web.world.policy.mode = Mode::dry_run;
  EXPECT_TRUE(has(page(web), "<strong>Dry run</strong>"));
}

TEST(StatusPage, SaysThatItIsStarting) {
  Moment moment;
  moment.identity.node = "node1";
  moment.snapshot = std::make_shared<const Snapshot>();
  const std::string html = status_page(moment, std::vector<HistoryEntry>{});
  EXPECT_TRUE(has(html, "<strong>Starting</strong>"));
  EXPECT_TRUE(has(html, "libvirt has not been read yet"));
}

TEST(StatusPage, ShowsVmsAndWhy) {
  WebWorld web;
  web.world.with(a_vm("aaa-fine")).wanted("aaa-fine");
  web.world.with(a_vm("web1").crashed()).wanted("web1");
  web.decide({.finding = vm_down("web1", kNow),
              .verdict = Held{.reason = Hold::latched, .opens_with = "upkeep release vm/web1"}});
  web.world.tried(test::vm_target("web1")).latched_since = kNow;
  const std::string html = page(web);
  EXPECT_TRUE(has(html, "1 of 2 up"));
  EXPECT_TRUE(has(html, ">crashed (panicked)</td>"));
  EXPECT_TRUE(has(html, escaped(sentence(web.view.decisions[0], kNow))));
  EXPECT_TRUE(has(html, "<code>upkeep release vm/web1</code>"));
  EXPECT_TRUE(has(html, ">latched</span>"));
  EXPECT_LT(html.find(">web1</td>"), html.find(">aaa-fine</td>")) << "trouble comes first";
}

TEST(StatusPage, EscapesEveryName) {
  WebWorld web;
  web.world.with(a_vm("<script>alert(1)</script>"));
  web.world.with(a_resource("<r0>", 5));
  web.lose_drbd();
  web.world.snapshot.drbd.reading = fail(Errc::failed, "<img src=x>");
  const std::string html =
      page(web, std::vector<HistoryEntry>{{.target = "vm/<x>", .text = "<i>text</i>"}});
  EXPECT_FALSE(has(html, "<script"));
  EXPECT_FALSE(has(html, "<img"));
  EXPECT_FALSE(has(html, "<r0>"));
  EXPECT_FALSE(has(html, "<i>"));
  EXPECT_FALSE(has(html, "vm/<x>"));
  EXPECT_TRUE(has(html, "&lt;script&gt;alert(1)&lt;/script&gt;"));
}

TEST(StatusPage, SaysWhenASourceCannotBeRead) {
  WebWorld web;
  web.world.with(a_vm("web1"));
  web.lose_libvirt();
  const std::string html = page(web);
  EXPECT_TRUE(has(html, "<strong>libvirt can&#39;t be read</strong> libvirtd is gone"));
  EXPECT_TRUE(has(html, ">unknown</td>"));
  EXPECT_TRUE(has(html, "0 of 1 up"));
  EXPECT_TRUE(has(html, "libvirt down"));
  EXPECT_TRUE(has(html, "drbd up"));
}

TEST(StatusPage, LabelsSimulatedDrbd) {
  WebWorld web;
  web.world.with(a_resource("r0", 5));
  EXPECT_FALSE(has(page(web), "<strong>Simulated</strong>"));
  Drbd drbd = **web.world.snapshot.drbd.reading;
  drbd.simulated = true;
  web.world.snapshot.drbd.reading = std::make_shared<const Drbd>(drbd);
  EXPECT_TRUE(has(page(web), "<strong>Simulated</strong>"));
}

TEST(StatusPage, ShowsDrbd) {
  WebWorld web;
  web.world.with(a_resource("r0", 5).stand_alone().split_brain("helper split-brain"));
  web.world.with(a_resource("r1", 6).down());
  const std::string html = page(web);
  EXPECT_TRUE(has(html, ">StandAlone</td>"));
  EXPECT_TRUE(has(html, "SPLIT BRAIN"));
  EXPECT_TRUE(has(html, ">down</td>"));
  web.lose_drbd();
  EXPECT_FALSE(has(page(web), ">StandAlone</td>")) << "not repeated as if true";
  WebWorld without;
  without.world.snapshot.drbd_in_use = false;
  EXPECT_FALSE(has(page(without), "<h2>DRBD</h2>"));
}

TEST(StatusPage, ShowsASplitBrainThatIsOnRecordOnly) {
  WebWorld web;
  web.world.with(a_resource("r0", 5).stand_alone());
  EXPECT_FALSE(has(page(web), "SPLIT BRAIN"));
  web.world.history.resources[{"r0"}].split_brain = {.what = "helper split-brain",
                                                     .at = test::kWall};
  EXPECT_TRUE(has(page(web), "SPLIT BRAIN"));
  web.lose_drbd();
  EXPECT_TRUE(has(page(web), "SPLIT BRAIN")) << "what is on record needs no reading";
}

TEST(StatusPage, ShowsWhatHappenedAndWhatIsDone) {
  WebWorld web;
  web.view.in_flight.push_back(
      {.id = 1, .action = StartVm{.vm = {"web1"}}, .submitted = kNow - 3s});
  const std::string html = page(
      web, std::vector<HistoryEntry>{{.at = test::kWall, .kind = "boot", .text = "node booted"}});
  EXPECT_TRUE(has(html, "start_vm vm/web1, since 3"));
  EXPECT_TRUE(has(html, "node booted"));
  EXPECT_TRUE(has(page(web, fail(Errc::timed_out, "the loop is busy")), "the loop is busy"));
  EXPECT_TRUE(has(page(web), "Nothing on record yet"));
}

TEST(StatusPage, LinksToTheRest) {
  WebWorld web;
  const std::string html = page(web);
  for (const char* path : {"/metrics", "/api/v1/status", "/-/healthy", "/-/ready"}) {
    EXPECT_TRUE(has(html, "href=\"" + std::string(path) + "\"")) << path;
  }
}

}  // namespace
}  // namespace upkeep::web
