#include "app/cli/commands.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/cli/cli.h"
#include "app/cli/exit_code.h"
#include "remediation/journal/sqlite_journal.h"
#include "tests/unit/app/cli/cli_environment.h"

namespace upkeep::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// What a daemon would answer, and what it was asked.
class FakeDaemon {
 public:
  FakeDaemon() {
    const auto answer = [this](const HttpRequest& request) {
      const std::scoped_lock lock(mutex_);
      asked_.push_back(request.path + (request.query.empty() ? "" : "?" + request.query));
      bodies_.push_back(request.body);
      return text_response(status_, answer_);
    };
    std::vector<HttpRoute> routes;
    for (const char* path : {"/api/v1/status", "/api/v1/plan", "/api/v1/why", "/api/v1/history"}) {
      routes.push_back({HttpMethod::get, path, answer});
    }
    for (const char* path :
         {"/api/v1/mark", "/api/v1/release", "/api/v1/allow-degraded", "/api/v1/peer/declare-dead",
          "/api/v1/pause", "/api/v1/maintenance", "/api/v1/demo"}) {
      routes.push_back({HttpMethod::post, path, answer});
    }
    server_ = start_control(std::move(routes));
  }

  void answers(int status, std::string text) {
    const std::scoped_lock lock(mutex_);
    status_ = status;
    answer_ = std::move(text);
  }
  std::string last_asked() {
    const std::scoped_lock lock(mutex_);
    return asked_.empty() ? "" : asked_.back();
  }
  json last_body() {
    const std::scoped_lock lock(mutex_);
    return bodies_.empty() ? json() : json::parse(bodies_.back());
  }
  [[nodiscard]] std::uint16_t port() const { return server_->port(); }

 private:
  std::mutex mutex_;
  int status_ = 200;
  std::string answer_ = "{}";
  std::vector<std::string> asked_, bodies_;
  std::unique_ptr<HttpServer> server_;  ///< Last: its threads use the rest.
};

class Commands : public CliTest {
 protected:
  int run(std::vector<const char*> arguments) {
    const std::string file = (dir_.path() / "upkeep.toml").string();
    arguments.push_back("--config");
    arguments.push_back(file.c_str());
    out_.str("");
    err_.str("");
    Output output{.out = out_, .err = err_, .out_style = {}, .err_style = {}};
    return run_cli(arguments, output);
  }

  /// A journal in which web1 was once started.
  void write_journal() {
    auto opened = SqliteJournal::open(dir_.path() / "upkeep.db");
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    Intent intent;
    intent.uuid = {"5f0c0000-0000-4000-8000-000000000001"};
    intent.name = {"web1"};
    intent.wanted = true;
    intent.last_stop = StopCause::none;
    intent.changed = WallTime{std::chrono::seconds(1772334764)};
    ASSERT_TRUE(opened->journal->save({intent}).has_value());
    HistoryEntry entry;
    entry.at = WallTime{std::chrono::seconds(1772334764)};
    entry.kind = "note";
    entry.target = "vm/web1";
    entry.text = "a line on record";
    ASSERT_TRUE(opened->journal->note({entry}).has_value());
    const Standing pause{
        .kind = Standing::Kind::paused, .subject = "node", .by = "anna", .reason = "new disk"};
    ASSERT_TRUE(opened->journal->save(pause).has_value());
    const Standing maintenance{
        .kind = Standing::Kind::maintenance, .subject = "a boot long ago", .by = "anna"};
    ASSERT_TRUE(opened->journal->save(maintenance).has_value());
  }
};

TEST_F(Commands, AskTheDaemonAndShowItsAnswer) {
  FakeDaemon daemon;
  configure(daemon.port());
  daemon.answers(200, R"({"node": "node1", "mode": "act", "vms": []})");
  EXPECT_EQ(run({"status"}), kOk);
  EXPECT_EQ(daemon.last_asked(), "/api/v1/status");
  EXPECT_THAT(out_.str(), HasSubstr("node1  mode act"));
  EXPECT_THAT(err_.str(), IsEmpty());

  EXPECT_EQ(run({"status", "--json"}), kOk);
  EXPECT_EQ(json::parse(out_.str()),
            (json{{"node", "node1"}, {"mode", "act"}, {"vms", json::array()}}));

  daemon.answers(200, R"({"headline": "web1 runs.", "facts": [], "commands": []})");
  EXPECT_EQ(run({"why", "vm/web 1&x"}), kOk);
  EXPECT_EQ(daemon.last_asked(), "/api/v1/why?target=vm%2Fweb%201%26x");
  EXPECT_EQ(out_.str(), "web1 runs.\n");

  daemon.answers(200, R"({"entries": []})");
  EXPECT_EQ(run({"history", "--target", "web1", "-n", "7"}), kOk);
  EXPECT_EQ(daemon.last_asked(), "/api/v1/history?limit=7&target=web1");
}

TEST_F(Commands, SendOrdersAndSayWhatWasDone) {
  FakeDaemon daemon;
  configure(daemon.port());
  daemon.answers(200, R"({"text": "web1: marked up by anna"})");
  EXPECT_EQ(run({"mark", "vm/web1", "up", "--reason", "customer"}), kOk);
  EXPECT_EQ(daemon.last_asked(), "/api/v1/mark");
  EXPECT_EQ(daemon.last_body(),
            (json{{"vm", "web1"}, {"keep", "up"}, {"by", "anna"}, {"reason", "customer"}}));
  EXPECT_EQ(out_.str(), "web1: marked up by anna\n");

  EXPECT_EQ(run({"release", "resource/r0"}), kOk);
  EXPECT_EQ(daemon.last_body(), (json{{"target", "resource/r0"}, {"by", "anna"}}));

  EXPECT_EQ(run({"allow-degraded", "vm/web1", "--undo"}), kOk);
  EXPECT_EQ(daemon.last_asked(), "/api/v1/allow-degraded");
  EXPECT_EQ(daemon.last_body(), (json{{"vm", "web1"}, {"by", "anna"}, {"undo", true}}));
  EXPECT_EQ(run({"peer", "declare-dead", "node2", "--reason", "burnt"}), kOk);
  EXPECT_EQ(daemon.last_asked(), "/api/v1/peer/declare-dead");
  EXPECT_EQ(daemon.last_body(), (json{{"node", "node2"}, {"by", "anna"}, {"reason", "burnt"}}));
}

TEST_F(Commands, SendPauses) {
  FakeDaemon daemon;
  configure(daemon.port());
  daemon.answers(200, R"({"text": "done"})");
  EXPECT_EQ(run({"pause", "vm/web1", "--for", "90s", "--reason", "new disk"}), kOk);
  EXPECT_EQ(daemon.last_asked(), "/api/v1/pause");
  EXPECT_EQ(
      daemon.last_body(),
      (json{{"target", "vm/web1"}, {"for_seconds", 90}, {"by", "anna"}, {"reason", "new disk"}}));
  EXPECT_EQ(run({"pause", "--forever"}), kOk);
  EXPECT_EQ(daemon.last_body(), (json{{"forever", true}, {"by", "anna"}}));
  EXPECT_EQ(run({"resume", "r0"}), kOk);
  EXPECT_EQ(daemon.last_asked(), "/api/v1/pause");
  EXPECT_EQ(daemon.last_body(), (json{{"target", "r0"}, {"by", "anna"}, {"undo", true}}));
  EXPECT_EQ(run({"maintenance", "--reason", "new memory"}), kOk);
  EXPECT_EQ(daemon.last_asked(), "/api/v1/maintenance");
  EXPECT_EQ(daemon.last_body(), (json{{"by", "anna"}, {"reason", "new memory"}}));
  EXPECT_EQ(run({"maintenance", "--end"}), kOk);
  EXPECT_EQ(daemon.last_body(), (json{{"by", "anna"}, {"undo", true}}));
}

TEST_F(Commands, ShowThePlan) {
  FakeDaemon daemon;
  configure(daemon.port());
  daemon.answers(200, R"j({"node": "node1", "mode": "observe", "ready": true, "decisions": [
      {"target": "vm/web2", "rule": "vm_down", "action": null, "hold": "paused",
       "detail": "shut off (crashed)", "opens_with": "upkeep resume vm/web2"},
      {"target": "vm/web1", "rule": "vm_down", "action": "start_vm", "hold": null,
       "detail": "shut off (crashed)", "opens_with": null}]})j");
  EXPECT_EQ(run({"plan"}), kOk);
  EXPECT_EQ(daemon.last_asked(), "/api/v1/plan");
  const std::string text = out_.str();
  EXPECT_THAT(text, HasSubstr("the mode is observe: this is what mode act would do"));
  EXPECT_THAT(text, HasSubstr("vm/web1  start vm"));
  EXPECT_THAT(text, HasSubstr("upkeep resume vm/web2"));
  EXPECT_LT(text.find("vm/web1"), text.find("vm/web2")) << "what is done comes first";
  daemon.answers(200, R"({"mode": "act", "ready": true, "decisions": []})");
  EXPECT_EQ(run({"plan"}), kOk);
  EXPECT_EQ(out_.str(), "nothing to do\n");
}

TEST_F(Commands, CannotPlanWithoutADaemon) {
  write_journal();
  EXPECT_EQ(run({"plan"}), kNotRunning);
  EXPECT_THAT(err_.str(), HasSubstr("only a running upkeep can plan"));
}

TEST_F(Commands, ShowTheDaemonsNo) {
  FakeDaemon daemon;
  configure(daemon.port());
  daemon.answers(404, R"j({"error": "no VM named 'web9' (did you mean 'web1'?)"})j");
  EXPECT_EQ(run({"mark", "web9", "up"}), kFailed);
  EXPECT_EQ(err_.str(), "upkeep: no VM named 'web9' (did you mean 'web1'?)\n");
  EXPECT_THAT(out_.str(), IsEmpty());
  // Its no is an answer: the journal isn't asked instead.
  write_journal();
  EXPECT_EQ(run({"why", "web1"}), kFailed);
  EXPECT_THAT(err_.str(), Not(HasSubstr("upkeep.db")));
}

TEST_F(Commands, SayWhatIsWrongWithTheToken) {
  FakeDaemon daemon;
  configure(daemon.port());
  std::ofstream(dir_.path() / "token") << "another-token-of-no-use\n";
  EXPECT_EQ(run({"history"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("refuses the token in " + (dir_.path() / "token").string()));
  EXPECT_EQ(daemon.last_asked(), "");
}

TEST_F(Commands, ReadTheJournalWhileTheDaemonIsDownAndSaySo) {
  write_journal();
  EXPECT_EQ(run({"status"}), kOk);
  EXPECT_THAT(err_.str(), HasSubstr("upkeep is not running"));
  EXPECT_THAT(err_.str(), HasSubstr("reading " + (dir_.path() / "upkeep.db").string()));
  EXPECT_THAT(out_.str(), HasSubstr("web1  unknown  up"));
  EXPECT_THAT(out_.str(), HasSubstr("node is paused until it is resumed (anna, "));
  EXPECT_THAT(out_.str(), Not(HasSubstr("maintenance"))) << "this is another boot";

  EXPECT_EQ(run({"history", "--target", "web1"}), kOk);
  EXPECT_THAT(out_.str(), HasSubstr("a line on record"));
  EXPECT_EQ(run({"history", "--target", "web9"}), kFailed);

  EXPECT_EQ(run({"why", "web1", "--json"}), kOk);
  EXPECT_EQ(json::parse(out_.str()).at("offline"), true);
  EXPECT_EQ(run({"why", "web9"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("'web9' (did you mean 'web1'?)"));
}

TEST_F(Commands, NeedADaemonToGiveOrders) {
  write_journal();
  for (const auto& arguments : std::vector<std::vector<const char*>>{
           {"mark", "web1", "down"}, {"release", "web1"}, {"peer", "declare-dead", "node2"}}) {
    EXPECT_EQ(run(arguments), kNotRunning);
    EXPECT_THAT(err_.str(), HasSubstr("upkeep is not running"));
    EXPECT_THAT(err_.str(), HasSubstr("nothing was changed"));
    EXPECT_THAT(out_.str(), IsEmpty());
  }
}

TEST_F(Commands, SayBothWhenThereIsNoJournalEither) {
  EXPECT_EQ(run({"status"}), kNotRunning);
  EXPECT_THAT(err_.str(), HasSubstr("upkeep is not running"));
  EXPECT_THAT(err_.str(), HasSubstr("upkeep.db"));
  EXPECT_THAT(out_.str(), IsEmpty());
  EXPECT_FALSE(fs::exists(dir_.path() / "upkeep.db"));
}

TEST_F(Commands, NeedADemoToBreakThings) {
  std::ostringstream out;
  std::ostringstream err;
  Output output{.out = out, .err = err, .out_style = {}, .err_style = {}};
  const std::vector<const char*> arguments{"demo", "crash", "web1"};
  EXPECT_EQ(run_cli(arguments, output), kNotRunning);
  EXPECT_THAT(err.str(), HasSubstr("upkeep run --demo"));
}

TEST_F(Commands, RefuseAWrongConfiguration) {
  std::ofstream(dir_.path() / "upkeep.toml") << "mode = 1\nnode = \"\"\n";
  EXPECT_EQ(run({"status"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("upkeep.toml:1:8: mode: "));
  EXPECT_THAT(err_.str(),
              HasSubstr("\n" + (dir_.path() / "upkeep.toml").string() + ":2:8: node: "));
  EXPECT_EQ(run({"mark", "web1", "up"}), kUsage);
  EXPECT_EQ(run({"run"}), kUsage);
}

TEST_F(Commands, DoNotMistakeAnotherServerForUpkeep) {
  FakeDaemon daemon;
  configure(daemon.port());
  daemon.answers(200, "<html>");
  EXPECT_EQ(run({"status"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("is not upkeep"));
  daemon.answers(500, "<html>");
  EXPECT_EQ(run({"status"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("HTTP status 500"));
}

}  // namespace
}  // namespace upkeep::cli
