#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "app/config.h"

namespace upkeep {

/// How `upkeep run` was called.
struct DaemonOptions {
  Config config;
  std::filesystem::path root = "/";  ///< Where /proc, /sys and /etc are looked for; for tests.
  bool demo = false;
  std::string log_format = "logfmt";                 ///< logfmt | json
  std::string log_level = "info";                    ///< debug | info | warn | error
  std::optional<std::filesystem::path> config_file;  ///< Read again at SIGHUP.
};

/// Runs the daemon until SIGTERM or SIGINT. Returns the process's exit code.
[[nodiscard]] int run_daemon(const DaemonOptions& options);

}  // namespace upkeep
