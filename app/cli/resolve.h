#pragma once

#include <chrono>
#include <iosfwd>

#include "app/cli/commands.h"

namespace upkeep::cli {

/// Who may be asked, and how long the end of the action is waited for.
struct Dialogue {
  std::istream& in;
  bool has_person = false;  ///< `in` is a terminal.
  std::chrono::milliseconds patience = std::chrono::minutes(3);
  std::chrono::milliseconds between_looks = std::chrono::milliseconds(250);
};

/// drbd resolve: shows what this node would lose, has it confirmed, has the daemon do it, follows
/// that to its end, and says what is left to do on the other node. Takes a running daemon.
[[nodiscard]] int resolve_split_brain(const CommandLine& line, Output& output,
                                      const Dialogue& dialogue);

}  // namespace upkeep::cli
