#include "app/cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "app/cli/exit_code.h"

namespace upkeep::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::expected<CommandLine, Stop> parse(const std::vector<const char*>& arguments) {
  return parse_command_line(arguments);
}

template <class C>
C command_of(const std::vector<const char*>& arguments) {
  const auto line = parse(arguments);
  EXPECT_TRUE(line.has_value()) << line.error().text;
  if (!line || !std::holds_alternative<C>(line->command)) {
    ADD_FAILURE() << "another command";
    return {};
  }
  return std::get<C>(line->command);
}

/// The line about what is wrong.
std::string refusal(const std::vector<const char*>& arguments) {
  const auto line = parse(arguments);
  if (line) {
    ADD_FAILURE() << "accepted";
    return {};
  }
  EXPECT_EQ(line.error().exit_code, kUsage);
  EXPECT_THAT(line.error().text, Not(HasSubstr("\n"))) << "more than one line";
  return line.error().text;
}

TEST(CommandLine, ReadsRun) {
  const auto line = parse({"run", "--demo", "--config", "/tmp/u.toml", "--root", "/tmp/r",
                           "--log.format=json", "--log.level", "debug"});
  ASSERT_TRUE(line.has_value()) << line.error().text;
  EXPECT_TRUE(line->demo);
  EXPECT_EQ(line->config, "/tmp/u.toml");
  EXPECT_EQ(line->root, "/tmp/r");
  const auto& run = std::get<RunCommand>(line->command);
  EXPECT_EQ(run.log_format, "json");
  EXPECT_EQ(run.log_level, "debug");
}

TEST(CommandLine, RunHasQuietDefaults) {
  const auto line = parse({"run"});
  ASSERT_TRUE(line.has_value());
  EXPECT_FALSE(line->demo);
  EXPECT_FALSE(line->config.has_value());
  EXPECT_EQ(line->root, "/");
  EXPECT_EQ(command_of<RunCommand>({"run"}).log_format, "logfmt");
  EXPECT_EQ(command_of<RunCommand>({"run"}).log_level, "info");
}

TEST(CommandLine, ReadsTheReadingCommands) {
  command_of<StatusCommand>({"status"});
  command_of<ClusterStatusCommand>({"status", "--cluster"});
  command_of<CheckCommand>({"check", "-c", "x.toml"});
  EXPECT_EQ(command_of<WhyCommand>({"why", "vm/web1"}).target, "vm/web1");
  EXPECT_EQ(command_of<HistoryCommand>({"history", "--recovery", "3"}).recovery, 3);
  const auto history = command_of<HistoryCommand>({"history", "--target", "web1", "-n", "5"});
  EXPECT_EQ(history.target, "web1");
  EXPECT_EQ(history.limit, 5);
  EXPECT_EQ(command_of<HistoryCommand>({"history"}).limit, 100);
  for (const auto& arguments : std::vector<std::vector<const char*>>{{"status", "--json"},
                                                                     {"why", "--json", "web1"},
                                                                     {"history", "--json"},
                                                                     {"check", "--json"},
                                                                     {"metrics", "--json"},
                                                                     {"version", "--json"}}) {
    const auto line = parse(arguments);
    ASSERT_TRUE(line.has_value()) << line.error().text;
    EXPECT_TRUE(line->json) << arguments.front();
  }
}

TEST(CommandLine, ReadsPauses) {
  const auto node = command_of<PauseCommand>({"pause"});
  EXPECT_FALSE(node.target);
  EXPECT_EQ(node.lasts, std::chrono::hours(2)) << "nobody pauses for ever by accident";
  const auto vm =
      command_of<PauseCommand>({"pause", "vm/web1", "--for", "1h30m", "--reason", "new disk"});
  EXPECT_EQ(vm.target, "vm/web1");
  EXPECT_EQ(vm.lasts, std::chrono::minutes(90));
  EXPECT_EQ(vm.reason, "new disk");
  EXPECT_FALSE(command_of<PauseCommand>({"pause", "--forever"}).lasts);
  EXPECT_THAT(refusal({"pause", "--for", "soon"}), HasSubstr("'soon' is not a duration"));
  EXPECT_THAT(refusal({"pause", "--for", "0s"}), HasSubstr("'0s' is less than a second"));
  EXPECT_THAT(refusal({"pause", "--for", "1h", "--forever"}), HasSubstr("excludes"));
  EXPECT_EQ(command_of<ResumeCommand>({"resume", "web1"}).target, "web1");
  EXPECT_FALSE(command_of<ResumeCommand>({"resume"}).target);
  EXPECT_FALSE(command_of<MaintenanceCommand>({"maintenance"}).end);
  EXPECT_TRUE(command_of<MaintenanceCommand>({"maintenance", "--end"}).end);
  static_cast<void>(command_of<PlanCommand>({"plan", "--json"}));
}

TEST(CommandLine, ReadsTheOrders) {
  const auto mark = command_of<MarkCommand>({"mark", "web1", "down", "--reason", "new disk"});
  EXPECT_EQ(mark.vm, "web1");
  EXPECT_EQ(mark.keep, Keep::down);
  EXPECT_EQ(mark.reason, "new disk");
  EXPECT_EQ(command_of<MarkCommand>({"mark", "web1", "up"}).keep, Keep::up);
  EXPECT_EQ(command_of<MarkCommand>({"mark", "web1", "ignore"}).keep, Keep::ignore);
  EXPECT_EQ(command_of<MarkCommand>({"mark", "web1", "auto"}).keep, Keep::automatic);
  EXPECT_EQ(command_of<ReleaseCommand>({"release", "resource/r0"}).target, "resource/r0");
  const auto allow = command_of<AllowDegradedCommand>({"allow-degraded", "web1", "--undo"});
  EXPECT_EQ(allow.vm, "web1");
  EXPECT_TRUE(allow.undo);
  const auto dead =
      command_of<DeclareDeadCommand>({"peer", "declare-dead", "node2", "--reason", "burnt"});
  EXPECT_EQ(dead.node, "node2");
  EXPECT_EQ(dead.reason, "burnt");
  EXPECT_FALSE(dead.undo);
  EXPECT_EQ(command_of<DemoCommand>({"demo", "power-cut"}).what, "power-cut");
  EXPECT_EQ(command_of<DemoCommand>({"demo", "crash", "web1"}).name, "web1");
}

TEST(CommandLine, DemoOrdersGoToTheDemo) {
  const auto line = parse({"demo", "crash", "web1"});
  ASSERT_TRUE(line.has_value());
  EXPECT_TRUE(line->demo);
}

TEST(CommandLine, ListsMetricsOneWay) {
  EXPECT_FALSE(command_of<MetricsCommand>({"metrics"}).markdown);
  EXPECT_TRUE(command_of<MetricsCommand>({"metrics", "--markdown"}).markdown);
  EXPECT_FALSE(parse({"metrics", "--markdown", "--json"}).has_value());
}

TEST(CommandLine, SaysTheVersionEitherWay) {
  command_of<VersionCommand>({"version"});
  command_of<VersionCommand>({"--version"});
}

TEST(CommandLine, HelpGoesToStdoutAndHasTheExitCodes) {
  const auto line = parse({"--help"});
  ASSERT_FALSE(line.has_value());
  EXPECT_EQ(line.error().exit_code, kOk);
  EXPECT_THAT(line.error().text, HasSubstr("status"));
  EXPECT_THAT(line.error().text, HasSubstr("Exit codes:"));
  EXPECT_THAT(line.error().text, Not(HasSubstr("--root")));
}

TEST(CommandLine, EachCommandHasItsOwnHelp) {
  for (const char* command : {"run", "check", "status", "plan", "why", "history", "mark", "release",
                              "pause", "resume", "maintenance", "allow-degraded", "peer", "demo",
                              "drbd", "simulate", "metrics", "version"}) {
    const auto line = parse({command, "--help"});
    ASSERT_FALSE(line.has_value()) << command;
    EXPECT_EQ(line.error().exit_code, kOk) << command;
    EXPECT_THAT(line.error().text, HasSubstr(std::string("upkeep ") + command)) << command;
    EXPECT_THAT(line.error().text, Not(HasSubstr("--root"))) << command;
  }
}

TEST(CommandLine, WithoutACommandShowsWhatThereIs) {
  const auto line = parse({});
  ASSERT_FALSE(line.has_value());
  EXPECT_EQ(line.error().exit_code, kUsage);
  EXPECT_THAT(line.error().text, HasSubstr("history"));
}

TEST(CommandLine, GuessesTheCommandThatWasMeant) {
  EXPECT_EQ(refusal({"statsu"}),
            "upkeep: no command 'statsu' (did you mean 'status'?); see `upkeep --help`");
  EXPECT_EQ(refusal({"frobnicate"}), "upkeep: no command 'frobnicate'; see `upkeep --help`");
  EXPECT_THAT(refusal({"histroy", "--limit", "5"}), HasSubstr("did you mean 'history'?"));
}

TEST(CommandLine, GuessesTheOptionThatWasMeant) {
  EXPECT_EQ(
      refusal({"status", "--jsn"}),
      "upkeep status: no option '--jsn' (did you mean '--json'?); see `upkeep status --help`");
  EXPECT_THAT(refusal({"history", "--limt=5"}), HasSubstr("'--limt' (did you mean '--limit'?)"));
  EXPECT_THAT(refusal({"run", "--log-format=json"}), HasSubstr("did you mean '--log.format'?"));
  EXPECT_THAT(refusal({"run", "--dmeo"}), HasSubstr("did you mean '--demo'?"));
}

TEST(CommandLine, NamesTheOptionThatIsInTheWrongPlace) {
  EXPECT_THAT(refusal({"--json", "status"}), HasSubstr("no option '--json' before the command"));
  // Only orders take no --json.
  EXPECT_THAT(refusal({"mark", "web1", "up", "--json"}), HasSubstr("no option '--json'"));
}

TEST(CommandLine, NamesTheWordThatIsMissingOrTooMany) {
  EXPECT_THAT(refusal({"why"}), HasSubstr("upkeep why: TARGET is required"));
  EXPECT_THAT(refusal({"mark", "web1"}), HasSubstr("KEEP is required"));
  EXPECT_THAT(refusal({"release"}), HasSubstr("TARGET is required"));
  EXPECT_THAT(refusal({"allow-degraded"}), HasSubstr("VM is required"));
  EXPECT_THAT(refusal({"peer", "declare-dead"}), HasSubstr("NODE is required"));
  EXPECT_THAT(refusal({"peer", "declare-ded", "node2"}), HasSubstr("declare-dead"));
  EXPECT_THAT(refusal({"status", "web1"}), HasSubstr("'web1' is one too many"));
  EXPECT_THAT(refusal({"why", "web1", "web2"}), HasSubstr("'web2' is one too many"));
  EXPECT_THAT(refusal({"run", "--config"}), HasSubstr("--config"));
}

TEST(CommandLine, GuessesTheValueThatWasMeant) {
  EXPECT_THAT(refusal({"mark", "web1", "donw"}),
              HasSubstr("'donw' is none of up, down, ignore, auto (did you mean 'down'?)"));
  EXPECT_THAT(refusal({"run", "--log.level=warning"}),
              HasSubstr("'warning' is none of debug, info, warn, error (did you mean 'warn'?)"));
  EXPECT_THAT(refusal({"run", "--log.format=xml"}), HasSubstr("'xml' is none of logfmt, json"));
}

TEST(CommandLine, RefusesImpossibleNumbers) {
  for (const char* limit : {"0", "-1", "1001", "five", "1.5", ""}) {
    EXPECT_THAT(refusal({"history", "--limit", limit}), HasSubstr("upkeep history: ")) << limit;
  }
}

TEST(CommandLine, ReadsTheCommandsAboutDrbd) {
  const auto status = parse({"drbd", "status", "--json", "--demo"});
  ASSERT_TRUE(status.has_value()) << status.error().text;
  EXPECT_TRUE(std::holds_alternative<DrbdStatusCommand>(status->command));
  EXPECT_TRUE(status->json && status->demo);
  EXPECT_EQ(command_of<DrbdParseCommand>({"drbd", "parse", "-"}).file, "-");
}

TEST(CommandLine, RefusesHalfACommandAboutDrbd) {
  EXPECT_THAT(refusal({"drbd", "stauts"}), HasSubstr("upkeep drbd: no command 'stauts'"));
  EXPECT_THAT(refusal({"drbd", "stauts"}), HasSubstr("status"));
  EXPECT_THAT(refusal({"drbd", "status", "r0"}), HasSubstr("upkeep drbd status: 'r0' is one too"));
  EXPECT_THAT(refusal({"drbd", "status", "--jsn"}), HasSubstr("--json"));
  const auto bare = parse({"drbd"});
  ASSERT_FALSE(bare);
  EXPECT_EQ(bare.error().exit_code, kUsage);
  EXPECT_THAT(bare.error().text, HasSubstr("parse"));
}

}  // namespace
}  // namespace upkeep::cli
