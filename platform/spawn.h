#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "exporter/model/clock.h"
#include "exporter/model/result.h"
#include "platform/unique_fd.h"

namespace upkeep {

/// How a program is started.
struct SpawnRequest {
  std::vector<std::string> argv;  ///< The first is an absolute path; never given to a shell.
  bool with_input = false;        ///< Else its stdin is /dev/null.
  bool die_with_us = false;       ///< SIGKILL when the *thread* that started it ends.
};

/// A started program, the leader of its own process group, and our ends of its stdio. Our ends are
/// non-blocking and close-on-exec.
struct Child {
  pid_t pid = -1;
  UniqueFd pidfd;  ///< Readable when it has ended.
  UniqueFd in;     ///< A socket, so that writing to a dead child is an error and not SIGPIPE.
  UniqueFd out, err;
};

/// Starts a program with a fixed small environment (PATH, LC_ALL=C), default signal handlers, an
/// empty signal mask, `/` as its directory and no descriptor of ours. Errc::not_found, denied,
/// exhausted or failed when it could not be started; `invalid` for a path that isn't absolute.
[[nodiscard]] Result<Child> spawn(const SpawnRequest& request);

/// Sends a signal to the child's whole group.
void signal_group(pid_t leader, int signal);

/// True while anything of the group lives; zombies don't.
[[nodiscard]] bool group_exists(pid_t leader);

/// The exit code of a wait status; 128 + signal when a signal ended it, like a shell says.
[[nodiscard]] int exit_code_of(int wait_status);

/// Milliseconds for poll(2) until `until`, rounded up; 0 when it has passed.
[[nodiscard]] int poll_timeout(Tick now, Tick until);

}  // namespace upkeep
