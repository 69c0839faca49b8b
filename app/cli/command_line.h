#pragma once

#include <chrono>
#include <expected>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "remediation/policy.h"
#include "remediation/split_brain_side.h"
#include "simulation/boot_load.h"

namespace upkeep::cli {

struct RunCommand {
  std::string log_format = "logfmt";
  std::string log_level = "info";
};
struct CheckCommand {};
struct StatusCommand {};
struct ClusterStatusCommand {};
struct PlanCommand {};
struct WhyCommand {
  std::string target;  ///< "vm/web1", "resource/r0" or a bare name.
};
struct HistoryCommand {
  std::optional<std::string> target;
  int limit = 100;
  std::optional<std::int64_t> recovery;  ///< Show this one; 0: the last one.
};
struct MarkCommand {
  std::string vm;
  Keep keep = Keep::automatic;
  std::string reason;
};
struct ReleaseCommand {
  std::string target;
};
struct AllowDegradedCommand {
  std::string vm;
  std::string reason;
  bool undo = false;
};
struct DeclareDeadCommand {
  std::string node;
  std::string reason;
  bool undo = false;
};
struct PauseCommand {
  std::optional<std::string> target;          ///< Absent: the node.
  std::optional<std::chrono::seconds> lasts;  ///< Absent: for ever.
  std::string reason;
};
struct ResumeCommand {
  std::optional<std::string> target;  ///< Absent: the node.
};
struct MaintenanceCommand {
  std::string reason;
  bool end = false;
};
struct DemoCommand {
  std::string what;                 ///< "crash", "power-cut", …
  std::optional<std::string> name;  ///< The VM or resource that it is done to.
};
struct DrbdStatusCommand {};
struct DrbdResolveCommand {
  std::string resource;
  SplitBrainSide side = SplitBrainSide::keep_local;
  std::string reason;
  std::optional<std::string> yes_discard_data_on;  ///< The node whose changes may be lost.
  bool yes = false;                                ///< Of keep_local.
};
struct DrbdParseCommand {
  std::string file;  ///< A recorded `drbdsetup events2`; "-" is standard input.
};
struct SimulateCommand {
  std::size_t nodes = 4;
  std::vector<std::string> vms;  ///< Names.
  double boot_seconds = 29;
  std::uint64_t seed = 1;
  simulation::Hardware hardware;
  double node_boot_seconds = 20;
  double node_spread_seconds = 10;
  std::size_t broken = 0;
  bool drbd = true;           ///< Else local disks.
  bool agent = true;          ///< Without --config: upkeep asks each guest's agent.
  bool serial = false;        ///< Compare with a watcher that starts one after another …
  double cron_seconds = 300;  ///< … which cron runs so often.
};
struct MetricsCommand {
  bool markdown = false;  ///< As in docs/metrics.md.
};
struct VersionCommand {};

using Command = std::variant<RunCommand, CheckCommand, StatusCommand, ClusterStatusCommand,
                             PlanCommand, WhyCommand, HistoryCommand, MarkCommand, ReleaseCommand,
                             AllowDegradedCommand, DeclareDeadCommand, PauseCommand, ResumeCommand,
                             MaintenanceCommand, DemoCommand, DrbdStatusCommand, DrbdResolveCommand,
                             DrbdParseCommand, SimulateCommand, MetricsCommand, VersionCommand>;

/// What `upkeep …` was asked to do.
struct CommandLine {
  Command command;
  std::optional<std::filesystem::path> config;  ///< --config
  bool demo = false;                            ///< --demo: run one, or talk to the running one.
  bool json = false;
  std::filesystem::path root = "/";  ///< --root, for tests: where /etc, /proc, /run are.
};

/// Nothing is left to do but to print and exit: help that was asked for (exit code 0, to stdout),
/// or one line about what is wrong with the arguments (to stderr).
struct Stop {
  int exit_code = 0;
  std::string text;
};

/// Reads the arguments, without the program's name.
[[nodiscard]] std::expected<CommandLine, Stop> parse_command_line(
    std::span<const char* const> arguments);

}  // namespace upkeep::cli
