#include "exporter/sources/replication/drbd_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>

#include "exporter/sources/replication/drbd_state.h"
#include "exporter/sources/replication/drbd_stream.h"
#include "exporter/sources/replication/proc_drbd.h"
#include "platform/process.h"

namespace upkeep {
namespace {

constexpr std::size_t kDumpCap = std::size_t{16} << 20U;  // Thousands of resources.

Result<Drbd> read_once(const DrbdSourceOptions& options, Duration deadline) {
  auto before = read_proc_drbd(options.root);
  if (!before) return Drbd{};
  const std::string version = parse_proc_drbd(*before).version;
  if (version.empty()) return fail(Errc::unavailable, "/proc/drbd does not tell its version");
  auto result = run({.argv = {options.drbdsetup, "events2", "--now", "--statistics", "all"},
                     .deadline = deadline,
                     .output_cap = kDumpCap});
  if (!result) return std::unexpected(result.error());
  DrbdState state(version);
  std::string_view rest = result->out;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;  // Half a line may be half a value.
    (void)state.apply(rest.substr(0, end), {});
    rest.remove_prefix(end + 1);
  }
  if (result->exit_code != 0 || !state.complete()) {
    return fail(Errc::unavailable, fmt::format("drbdsetup events2 --now: exit code {}: {}",
                                               result->exit_code, result->err.substr(0, 400)));
  }
  Drbd drbd = state.drbd();
  if (!is_version_84(drbd)) return drbd;
  const auto after = read_proc_drbd(options.root);
  if (!after) return fail(Errc::unavailable, "the drbd module was unloaded meanwhile");
  const ProcDrbd proc = parse_proc_drbd(*after);
  if (const auto text = disagreement(proc, drbd)) return fail(Errc::unavailable, *text);
  merge(proc, drbd);
  return drbd;
}

}  // namespace

Result<Drbd> read_drbd(const DrbdSourceOptions& options, Duration deadline) {
  constexpr int kTries = 3;  // A state may change between the two looks.
  const Tick until = std::chrono::steady_clock::now() + deadline;
  Result<Drbd> drbd = fail(Errc::timed_out, "read DRBD: no time left");
  for (int tries = 0; tries < kTries; ++tries) {
    const Duration left = until - std::chrono::steady_clock::now();
    if (left <= Duration{}) break;
    drbd = read_once(options, left);
    if (drbd || drbd.error().code != Errc::unavailable) break;
  }
  return drbd;
}

}  // namespace upkeep
