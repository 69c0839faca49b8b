#pragma once

#include <expected>
#include <string>

#include "app/cli/command_line.h"
#include "app/cli/commands.h"
#include "app/daemon/daemon.h"

namespace upkeep::cli {

/// What `upkeep run` starts, and what it should say about it first (empty: nothing).
struct PreparedRun {
  DaemonOptions options;
  std::string notice;
};

/// Chooses the configuration: the file; with --demo and no file a harmless one that acts on
/// simulated VMs; without a file, where libvirtd is, one that only observes. Else an error.
[[nodiscard]] std::expected<PreparedRun, Stop> prepare_run(const CommandLine& line);

/// `upkeep run`
[[nodiscard]] int run(const CommandLine& line, Output& output);

}  // namespace upkeep::cli
