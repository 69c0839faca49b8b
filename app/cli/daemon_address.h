#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "app/cli/command_line.h"
#include "app/config.h"
#include "app/instance.h"

namespace upkeep::cli {

/// The configuration file a command is about: --config, else $UPKEEP_CONFIG, else
/// /etc/upkeep/upkeep.toml if it exists. None with --demo, unless --config says so.
[[nodiscard]] std::optional<std::filesystem::path> config_file(const CommandLine& line);

/// Where the daemon is, or would be if it ran.
struct DaemonAddress {
  std::string control_url;  ///< Empty: not known, since it isn't running.
  std::string public_url;
  std::filesystem::path token_file;
  std::filesystem::path journal;
  bool demo = false;
  Config config;    ///< The defaults when there is no file.
  std::string who;  ///< "upkeep" or "the demo", for messages.
};

/// Finds the daemon: the running one with that configuration file, else what the file says; with no
/// file the one that runs without, else a running demo, else the defaults. `running` as
/// `running_instances` tells it. Fails when the configuration is wrong.
[[nodiscard]] Result<DaemonAddress> find_daemon(const CommandLine& line,
                                                const std::vector<Instance>& running);

}  // namespace upkeep::cli
