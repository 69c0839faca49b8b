#include "app/cli/cli.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "app/cli/check.h"
#include "app/cli/cluster_status.h"
#include "app/cli/command_line.h"
#include "app/cli/drbd_recording.h"
#include "app/cli/exit_code.h"
#include "app/cli/metrics.h"
#include "app/cli/resolve.h"
#include "app/cli/run.h"
#include "app/cli/simulate.h"
#include "app/version.h"

namespace upkeep::cli {
namespace {

int print_version(const CommandLine& line, Output& output) {
  if (line.json) {
    output.out << nlohmann::json{{"version", kVersion}, {"revision", kRevision}}.dump(2) << '\n';
  } else {
    output.out << fmt::format("upkeep {} ({})\n", kVersion, kRevision);
  }
  return kOk;
}

int carry_out(const CommandLine& line, Output& output) {
  struct Dispatch {
    const CommandLine& line;
    Output& output;

    int operator()(const RunCommand& /*c*/) const { return run(line, output); }
    int operator()(const CheckCommand& /*c*/) const { return check(line, output); }
    int operator()(const StatusCommand& /*c*/) const { return read_from_daemon(line, output); }
    int operator()(const ClusterStatusCommand& /*c*/) const { return show_cluster(line, output); }
    int operator()(const PlanCommand& /*c*/) const { return read_from_daemon(line, output); }
    int operator()(const WhyCommand& /*c*/) const { return read_from_daemon(line, output); }
    int operator()(const HistoryCommand& /*c*/) const { return read_from_daemon(line, output); }
    int operator()(const MarkCommand& /*c*/) const { return order_daemon(line, output); }
    int operator()(const ReleaseCommand& /*c*/) const { return order_daemon(line, output); }
    int operator()(const AllowDegradedCommand& /*c*/) const { return order_daemon(line, output); }
    int operator()(const DeclareDeadCommand& /*c*/) const { return order_daemon(line, output); }
    int operator()(const PauseCommand& /*c*/) const { return order_daemon(line, output); }
    int operator()(const ResumeCommand& /*c*/) const { return order_daemon(line, output); }
    int operator()(const MaintenanceCommand& /*c*/) const { return order_daemon(line, output); }
    int operator()(const DemoCommand& /*c*/) const { return order_daemon(line, output); }
    int operator()(const DrbdStatusCommand& /*c*/) const { return read_from_daemon(line, output); }
    int operator()(const DrbdResolveCommand& /*c*/) const {
      return resolve_split_brain(line, output,
                                 {.in = std::cin, .has_person = isatty(STDIN_FILENO) == 1});
    }
    int operator()(const DrbdParseCommand& command) const {
      return parse_recording(command, line.json, output);
    }
    int operator()(const SimulateCommand& command) const { return simulate(line, command, output); }
    int operator()(const MetricsCommand& command) const {
      return print_metrics(command, line.json, output);
    }
    int operator()(const VersionCommand& /*c*/) const { return print_version(line, output); }
  };
  return std::visit(Dispatch{line, output}, line.command);
}

}  // namespace

int run_cli(std::span<const char* const> arguments, Output& output) noexcept {
  try {
    const auto line = parse_command_line(arguments);
    if (!line) {
      const Stop& stop = line.error();
      (stop.exit_code == kOk ? output.out : output.err) << stop.text;
      if (!stop.text.ends_with('\n')) output.err << '\n';
      return stop.exit_code;
    }
    const int exit_code = carry_out(*line, output);
    // A full disk or a closed pipe must not look like success.
    output.out.flush();
    return exit_code == kOk && !output.out ? kFailed : exit_code;
  } catch (const std::exception& bug) {
    static_cast<void>(std::fprintf(stderr, "upkeep: internal error: %s\n", bug.what()));
  } catch (...) {
    static_cast<void>(std::fputs("upkeep: internal error\n", stderr));
  }
  return kFailed;
}

}  // namespace upkeep::cli
