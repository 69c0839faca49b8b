#pragma once

#include <span>

#include "app/cli/commands.h"

namespace upkeep::cli {

/// Does what the arguments (without the program's name) say and returns the exit code. Catches
/// everything: a bug ends in one line and exit code 1.
[[nodiscard]] int run_cli(std::span<const char* const> arguments, Output& output) noexcept;

}  // namespace upkeep::cli
