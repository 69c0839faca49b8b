#pragma once

#include "app/cli/commands.h"

namespace upkeep::cli {

/// drbd parse: reads a recorded `drbdsetup events2` as the daemon would have, and prints the state
/// it ends with; the last line tells how many lines had something that was not understood, each of
/// them being named on stderr. The version is seen from the keys: 9 has some that 8.4 hasn't.
[[nodiscard]] int parse_recording(const DrbdParseCommand& command, bool json, Output& output);

}  // namespace upkeep::cli
