#include "app/cli/run.h"

#include <array>
#include <ostream>

#include "app/cli/daemon_address.h"
#include "app/cli/exit_code.h"

namespace upkeep::cli {
namespace {

namespace fs = std::filesystem;

/// libvirtd's socket, or that of the modular daemon.
bool has_libvirtd(const fs::path& root) {
  constexpr std::array kSockets{"run/libvirt/libvirt-sock", "run/libvirt/virtqemud-sock"};
  for (const char* socket : kSockets) {
    std::error_code ignored;
    if (fs::exists(root / socket, ignored)) return true;
  }
  return false;
}

}  // namespace

std::expected<PreparedRun, Stop> prepare_run(const CommandLine& line) {
  PreparedRun prepared;
  DaemonOptions& options = prepared.options;
  options.root = line.root;
  options.demo = line.demo;
  if (const auto* command = std::get_if<RunCommand>(&line.command)) {
    options.log_format = command->log_format;
    options.log_level = command->log_level;
  }
  if (const std::optional<fs::path> file = config_file(line)) {
    Result<Config> config = load_config(*file);
    if (!config) return std::unexpected(Stop{kUsage, config.error().message});
    options.config = std::move(*config);
    // The daemon may change its directory, and the command line has another one anyway.
    std::error_code failed;
    const fs::path absolute = fs::absolute(*file, failed);
    options.config_file = failed ? *file : absolute;
    return prepared;
  }
  if (line.demo) {
    options.config.mode = Mode::act;
    return prepared;
  }
  if (has_libvirtd(line.root)) {
    options.config.mode = Mode::observe;
    prepared.notice =
        "upkeep: there is no /etc/upkeep/upkeep.toml, so upkeep only observes: it publishes "
        "metrics "
        "and touches nothing";
    return prepared;
  }
  return std::unexpected(
      Stop{kUsage,
           "upkeep: there is no libvirtd on this machine and no /etc/upkeep/upkeep.toml that names "
           "another one; to see upkeep at work on simulated VMs: upkeep run --demo"});
}

int run(const CommandLine& line, Output& output) {
  const auto prepared = prepare_run(line);
  if (!prepared) {
    output.err << painted(prepared.error().text, Colour::bad, output.err_style) << '\n';
    return prepared.error().exit_code;
  }
  if (!prepared->notice.empty()) output.err << prepared->notice << '\n';
  return run_daemon(prepared->options);
}

}  // namespace upkeep::cli
