#pragma once

#include <string>
#include <vector>

#include "app/config.h"

namespace upkeep {

/// What a reload changes, by section, and what of it waits for the next start.
struct ConfigChange {
  std::vector<std::string> now;         ///< "mode", "policy", "vm".
  std::vector<std::string> at_restart;  ///< "node", "http", "libvirt", "drbd", "journal", "peer".
};

/// What runs after a reload of `loaded`: what waits for the next start stays as it runs, also where
/// the policy rests on it ([drbd] attach_on_primary).
[[nodiscard]] Config reloaded(const Config& running, const Config& loaded);

[[nodiscard]] ConfigChange change_between(const Config& before, const Config& after);

}  // namespace upkeep
