#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "remediation/executor.h"

namespace upkeep {

/// What is wanted, and the how manieth that this is: another number says that it has changed.
struct KnownWishes {
  Wishes wishes;
  std::uint64_t edition = 0;
};

/// What may change while an action waits and runs. Thread-safe.
struct ActionConditions {
  /// What ends the action with nothing more sent: shutdown, or that it was given up. Nothing: it
  /// goes on.
  std::function<std::optional<Outcome>()> stop;
  std::function<KnownWishes()> wishes;
  /// Asked right before each command: true counts it as sent. False when there is a stop by now, or
  /// another edition of the wishes.
  std::function<bool(std::uint64_t edition)> may_send;
  /// What it does from now on, for whoever has to say where it hangs. Static storage.
  std::function<void(std::string_view what)> doing;
};

}  // namespace upkeep
