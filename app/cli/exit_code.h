#pragma once

namespace upkeep::cli {

/// What the command line's exit codes mean; they are in docs/cli.md and `--help`. Never renumber.
enum ExitCode : int {
  kOk = 0,
  kFailed = 1,      ///< What was asked for did not happen; `check`: there are warnings.
  kUsage = 2,       ///< Wrong command line or configuration; `check`: there are errors.
  kNotRunning = 3,  ///< It takes a running daemon, and none answers.
};

}  // namespace upkeep::cli
