#pragma once

#include <iosfwd>

#include "app/cli/command_line.h"
#include "app/cli/table.h"

namespace upkeep::cli {

/// Where a command writes: what was asked for to `out`, everything else to `err`.
struct Output {
  std::ostream& out;
  std::ostream& err;
  Style out_style, err_style;
};

// Each does one command and returns its exit code.

/// status, why, history, drbd status: ask the daemon; while it is down, read its journal and say
/// so.
[[nodiscard]] int read_from_daemon(const CommandLine& line, Output& output);
/// mark, release, allow-degraded, peer, demo: take a running daemon.
[[nodiscard]] int order_daemon(const CommandLine& line, Output& output);

}  // namespace upkeep::cli
