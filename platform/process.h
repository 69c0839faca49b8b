#pragma once

#include <cstddef>
#include <stop_token>
#include <string>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/result.h"
#include "platform/leftover.h"

namespace upkeep {

/// A program to run to its end.
struct ProcessRequest {
  std::vector<std::string> argv;  ///< The first is an absolute path; never given to a shell.
  Duration deadline = std::chrono::seconds(5);
  std::string input{};                                   ///< Given to its stdin, then closed.
  std::size_t output_cap = std::size_t{1} << 20U;        ///< Bytes, of stdout and of stderr.
  Duration kill_grace = std::chrono::milliseconds(500);  ///< Between SIGTERM and SIGKILL.
  std::stop_token stop{};                                ///< Ends the program early.
};

/// What a program did.
struct ProcessResult {
  int exit_code = 0;  ///< 128 + signal when a signal ended it.
  std::string out, err;
};

/// Runs a program and waits for it. Any exit code is a result; errors are
/// not_found, denied, exhausted: it could not be started;
/// timed_out: it was killed at the deadline (what it was told may still happen, see `left`);
/// exhausted: it wrote more than the cap to stdout and was killed: half an answer is none;
/// unavailable: stopped by `stop`.
/// Blocks for at most `deadline` + 2 × `kill_grace`. stderr beyond the cap is dropped. Thread-safe.
[[nodiscard]] Result<ProcessResult> run(const ProcessRequest& request);

/// The same; `left` becomes what still lives of the program's group: what could not be killed, or
/// what an ended program left running (drbdadm gives up on a drbdsetup inside the kernel).
[[nodiscard]] Result<ProcessResult> run(const ProcessRequest& request, Leftover& left);

}  // namespace upkeep
