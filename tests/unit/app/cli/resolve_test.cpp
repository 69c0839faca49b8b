#include "app/cli/resolve.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "app/cli/exit_code.h"
#include "tests/unit/app/cli/cli_environment.h"

namespace upkeep::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// A daemon with r0 in split brain; its action ends after a few questions.
class FakeDaemon {
 public:
  FakeDaemon() {
    std::vector<HttpRoute> routes;
    routes.push_back({HttpMethod::get, "/api/v1/drbd/resolve", [this](const HttpRequest& request) {
                        const std::scoped_lock lock(mutex);
                        asked = request.query;
                        return text_response(200, preview.dump());
                      }});
    routes.push_back({HttpMethod::post, "/api/v1/drbd/resolve", [this](const HttpRequest& request) {
                        const std::scoped_lock lock(mutex);
                        ordered.push_back(json::parse(request.body));
                        return text_response(status, begun.dump());
                      }});
    routes.push_back({HttpMethod::get, "/api/v1/history", [this](const HttpRequest& /*request*/) {
                        const std::scoped_lock lock(mutex);
                        json entries = json::array({another_end()});
                        if (++looks >= ends_at_look) entries.push_back(end);
                        return text_response(200, json{{"entries", entries}}.dump());
                      }});
    server_ = start_control(std::move(routes));
  }
  [[nodiscard]] std::uint16_t port() const { return server_->port(); }

  std::mutex mutex;
  std::string asked;
  json preview{{"resource", "r0"},
               {"node", "n2"},
               {"possible", true},
               {"refusal", nullptr},
               {"facts", {"320.0 KiB here differ from what it had"}},
               {"next", "on n1: upkeep drbd resolve r0 --keep-local"}};
  int status = 200;
  json begun{{"text", "r0: anna decides"},
             {"action_id", 17},
             {"next", "on n1: upkeep drbd resolve r0 --keep-local"}};
  json end{
      {"kind", "end"}, {"action_id", 17}, {"text", "resolve_split_brain succeeded after 1.2 s"}};
  int ends_at_look = 3;
  int looks = 0;
  std::vector<json> ordered;

 private:
  static json another_end() {
    return {{"kind", "end"}, {"action_id", 16}, {"text", "resolve_split_brain failed"}};
  }
  std::unique_ptr<HttpServer> server_;  ///< Last: its threads use the rest.
};

class Resolve : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    configure(daemon_.port());
  }

  /// `typed` absent: there is no terminal.
  int run(std::vector<const char*> arguments, std::optional<std::string> typed = std::nullopt) {
    arguments.insert(arguments.begin(), {"drbd", "resolve"});
    const std::string file = (dir_.path() / "upkeep.toml").string();
    arguments.insert(arguments.end(), {"--config", file.c_str()});
    out_.str("");
    err_.str("");
    const auto line = parse_command_line(arguments);
    if (!line) {
      err_ << line.error().text;
      return line.error().exit_code;
    }
    Output output{.out = out_, .err = err_, .out_style = {}, .err_style = {}};
    std::istringstream in(typed.value_or(""));
    return resolve_split_brain(
        *line, output,
        {.in = in, .has_person = typed.has_value(), .patience = patience_, .between_looks = 1ms});
  }

  FakeDaemon daemon_;
  std::chrono::milliseconds patience_ = 20s;
};

TEST_F(Resolve, ShowsTheLossHasItTypedFollowsItAndSaysWhatIsNext) {
  EXPECT_EQ(run({"resource/r0", "--discard-local", "--reason", "n2 served nobody"}, "r0\n"), kOk)
      << err_.str();
  EXPECT_EQ(daemon_.asked, "resource=resource%2Fr0&side=discard_local");
  ASSERT_EQ(daemon_.ordered.size(), 1U);
  EXPECT_EQ(daemon_.ordered[0], (json{{"resource", "r0"},
                                      {"side", "discard_local"},
                                      {"by", "anna"},
                                      {"reason", "n2 served nobody"},
                                      {"confirm", "n2"}}));
  EXPECT_THAT(out_.str(), HasSubstr("r0 on n2: this node's changes are LOST"));
  EXPECT_THAT(out_.str(), HasSubstr("320.0 KiB here differ"));
  EXPECT_THAT(out_.str(), HasSubstr("r0: resolve_split_brain succeeded after 1.2 s"));
  EXPECT_THAT(out_.str(), HasSubstr("Then, on n1: upkeep drbd resolve r0 --keep-local"));
  EXPECT_EQ(daemon_.looks, 3);
  EXPECT_THAT(err_.str(), IsEmpty());
}

TEST_F(Resolve, AnythingElseTypedLosesNothing) {
  for (const char* typed : {"", "\n", "y\n", "yes\n", "r1\n", "R0\n", "r0 \n"}) {
    EXPECT_EQ(run({"r0", "--discard-local"}, typed), kFailed) << typed;
    EXPECT_THAT(err_.str(), HasSubstr("nothing was done"));
  }
  EXPECT_TRUE(daemon_.ordered.empty());
}

TEST_F(Resolve, WithoutATerminalTheNodeMustBeNamed) {
  EXPECT_EQ(run({"r0", "--discard-local"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("say --yes-discard-data-on n2"));
  EXPECT_EQ(run({"r0", "--discard-local", "--yes-discard-data-on", "n1"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("this node is n2, not n1; nothing was done"));
  EXPECT_TRUE(daemon_.ordered.empty());
  EXPECT_EQ(run({"r0", "--discard-local", "--yes-discard-data-on", "n2"}), kOk);
  EXPECT_EQ(daemon_.ordered.size(), 1U);
}

TEST_F(Resolve, TheKeptSideIsAskedYesOrNo) {
  EXPECT_EQ(run({"r0", "--keep-local"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("say --yes"));
  for (const char* typed : {"", "\n", "n\n", "r0\n"}) {
    EXPECT_EQ(run({"r0", "--keep-local"}, typed), kFailed) << typed;
  }
  EXPECT_TRUE(daemon_.ordered.empty());
  EXPECT_EQ(run({"r0", "--keep-local"}, "y\n"), kOk);
  EXPECT_EQ(run({"r0", "--keep-local", "--yes"}), kOk);
  ASSERT_EQ(daemon_.ordered.size(), 2U);
  EXPECT_FALSE(daemon_.ordered[1].contains("confirm"));
  EXPECT_EQ(daemon_.ordered[1]["side"], "keep_local");
}

TEST_F(Resolve, ARefusalIsShownBeforeAnybodyIsAsked) {
  daemon_.preview["refusal"] = "r0 is Primary here";
  EXPECT_EQ(run({"r0", "--discard-local"}, "r0\n"), kFailed);
  EXPECT_THAT(out_.str(), Not(HasSubstr("Type the resource's name")));
  EXPECT_EQ(err_.str(), "upkeep: r0 is Primary here\n");
  EXPECT_TRUE(daemon_.ordered.empty());
}

TEST_F(Resolve, FailsWhenTheActionDoes) {
  daemon_.end["text"] = "resolve_split_brain failed (failed) after 0.2 s: exit code 10";
  EXPECT_EQ(run({"r0", "--keep-local", "--yes"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("exit code 10"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("on n1")));
  daemon_.begun = {{"error", "an action on resource/r0 has not ended yet"}};
  daemon_.status = 409;
  EXPECT_EQ(run({"r0", "--keep-local", "--yes"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("has not ended yet"));
}

TEST_F(Resolve, DoesNotWaitForEver) {
  patience_ = 20ms;
  daemon_.ends_at_look = 1'000'000;
  EXPECT_EQ(run({"r0", "--keep-local", "--yes"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("still under way; see `upkeep history"));
}

TEST_F(Resolve, TakesExactlyOneSideAndItsOwnConfirmation) {
  const std::vector<std::vector<const char*>> wrong{
      {"r0"},
      {"--keep-local"},
      {"r0", "--keep-local", "--discard-local"},
      {"r0", "--keep-local", "--yes-discard-data-on", "n2"},
      {"r0", "--discard-local", "--yes"},
      {"r0", "r1", "--keep-local"},
      {"r0", "--discard"}};
  for (const auto& arguments : wrong) {
    EXPECT_EQ(run(arguments, "r0\n"), kUsage);
    EXPECT_THAT(err_.str(), HasSubstr("upkeep drbd resolve"));
  }
  EXPECT_EQ(daemon_.asked, "");
}

}  // namespace
}  // namespace upkeep::cli
